import type { Verdict } from '../explore/result.ts';
import type { CheckId, Violation } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';
import { type Moment, nearestPairs, type Pair } from './conflicts.ts';
import type { Trace } from './happening.ts';
import { Variations } from './variation.ts';
import { sayFetchCause, sayPair, sayWindow, windowOf } from './why-words.ts';
import { wrap } from './wrap.ts';

type MemoryModel = 'sc' | 'tso';

/** What a search of the same scenario under other models finds: its verdict, and the check that it breaks. Undefined: not known. */
export type VerdictUnder = (
  memory: MemoryModel,
  fetch: AnyFetchPolicyName,
) => { readonly verdict: Verdict; readonly check?: CheckId | undefined } | undefined;

export interface Why {
  /** Pairs whose reversal was replayed and broke nothing: the orders that matter. At most three, the latest first. */
  readonly essential: readonly Pair[];
  /** Sentences about the orders, the telling one first. */
  readonly orders: readonly string[];
  /** Which features of the models it needs; undefined where that was not decided. */
  readonly needs: string | undefined;
  /** `why   ...`: at most 3 lines of at most 75 columns, ended by a newline; empty when nothing could be decided. */
  readonly text: string;
}

const WIDTH = 75;
const MARGIN = 'why   ';
const MOST_LINES = 3;
const MOST_PAIRS = 3;
/** Accesses of the breaking core that are looked at, from its last one. */
const LOOK_BACK = 12;

/**
 * Says why a run breaks: which order of which two accesses it takes, found by replaying the run with them the other way round, and, where the
 * caller can say what other models find, which features of the models. `make` gives begun worlds in which `answers` lead to `violation`.
 * What the replays did not decide is not said.
 */
export function explainWhy(make: () => World, answers: readonly number[], violation: Violation, verdictUnder?: VerdictUnder): Why {
  const variations = new Variations(make, answers);
  const essential = essentialPairs(variations, violation.core);
  const orders = sayOrders(variations.trace, violation, essential);
  if (orders.length === 0) orders.push(...sayOther(variations, violation));
  const explore = make().machine.options.explore;
  const needs = explore === undefined ? undefined : sayNeeds(violation.check, explore.memory, explore.fetch.name, verdictUnder);
  return { essential, orders, needs, text: threeLines(orders, needs) };
}

function essentialPairs(variations: Variations, core: number): Pair[] {
  const found: Pair[] = [];
  // The same write and another read of it say nothing new.
  const has = (pair: Pair): boolean =>
    found.some(
      (p) => p.first.order === pair.first.order && p.second.core === pair.second.core && p.second.what.name === pair.second.what.name,
    );
  for (const pair of nearestPairs(variations.trace, core, LOOK_BACK)) {
    // A window says it all; what came before it only led there.
    if (found.length === MOST_PAIRS || windowOf(found, core) !== undefined) return found;
    if (!has(pair) && variations.reverse(pair, core) === 'clean') found.push(pair);
  }
  if (found.length > 0) return found;
  // Nobody wrote what it read, as far as this run went: did it come too early? Or is it enough that it met the INT3?
  const last = variations.trace.steps.findLast((s) => s.core === core);
  const early = last === undefined ? undefined : variations.tooEarly(core, last.at);
  if (early !== undefined) return [early];
  const said = nearestPairs(variations.trace, core, LOOK_BACK, true).find((pair) => variations.reverse(pair, core) === 'clean');
  return said === undefined ? [] : [said];
}

function sayOrders(trace: Trace, violation: Violation, essential: readonly Pair[]): string[] {
  const fetch = violation.check === 'code-race' || violation.check === 'I2' ? sayFetchCause(trace, violation.core) : undefined;
  const window = windowOf(essential, violation.core);
  const inWindow = (pair: Pair): boolean =>
    window !== undefined && [window.enter, window.leave].some((p) => same(p.first, pair.first) && same(p.second, pair.second));
  return [
    ...(fetch === undefined ? [] : [fetch]),
    ...(window === undefined ? [] : [sayWindow(trace, window)]),
    ...essential.filter((p) => !inWindow(p)).map((p) => sayPair(trace, p)),
  ];
}

/** No two accesses decide: is it an interrupt, or does it take no unlucky order at all? */
function sayOther(variations: Variations, violation: Violation): string[] {
  const taken = variations.trace.steps.findLast((s) => s.core === violation.core && s.choice === 'interrupt');
  if (taken !== undefined && variations.interruptLater(taken.at) === 'clean') {
    const name = taken.happened.find((h) => h.what === 'interrupt')?.name ?? 'interrupt';
    return [`CPU${violation.core} took the ${name} at ${taken.symbol} (@${taken.at}); taken after all else it breaks nothing`];
  }
  return variations.undelayed() === violation.check ? ['takes no unlucky order: the run without any delay breaks too'] : [];
}

const same = (a: Moment, b: Moment): boolean => a.order === b.order && a.core === b.core;

/** Ablation: does the same check still break with sequential consistency, with coherent fetch, with both? */
function sayNeeds(
  check: CheckId,
  memory: MemoryModel,
  fetch: AnyFetchPolicyName,
  verdictUnder: VerdictUnder | undefined,
): string | undefined {
  const under = (m: MemoryModel, f: AnyFetchPolicyName): 'breaks' | 'holds' | undefined => {
    if (m === memory && f === fetch) return 'breaks';
    const found = verdictUnder?.(m, f);
    if (found?.verdict === 'violation') return found.check === undefined || found.check === check ? 'breaks' : undefined;
    return found?.verdict === 'ok' || found?.verdict === 'vacuous' ? 'holds' : undefined;
  };
  if (under('sc', 'coherent') === 'breaks') return 'needs neither store buffers nor stale fetch';
  const [sc, coherent] = [under('sc', fetch), under(memory, 'coherent')];
  if (sc === 'holds' && coherent === 'holds') return 'needs both store buffers and stale fetch';
  if (sc === 'holds') return coherent === 'breaks' ? 'needs store buffers, not stale fetch' : 'needs store buffers';
  if (coherent === 'holds') return sc === 'breaks' ? 'needs stale fetch, not store buffers' : 'needs stale fetch';
  if (sc === 'breaks' && memory === 'tso') return 'does not need store buffers';
  return coherent === 'breaks' && fetch !== 'coherent' ? 'does not need stale fetch' : undefined;
}

/** As many sentences as three lines hold, the first order before the needs before the other orders. */
function threeLines(orders: readonly string[], needs: string | undefined): string {
  const chosen: string[] = [];
  const lay = (sentences: readonly string[]): string[] => wrap(sentences.join('; '), WIDTH - MARGIN.length, 0);
  for (const sentence of [...orders.slice(0, 1), ...(needs === undefined ? [] : [needs]), ...orders.slice(1)]) {
    if (lay([...chosen, sentence]).length <= MOST_LINES) chosen.push(sentence);
  }
  if (chosen.length === 0) return '';
  return lay(chosen)
    .map((line, i) => `${i === 0 ? MARGIN : ' '.repeat(MARGIN.length)}${line}\n`)
    .join('');
}
