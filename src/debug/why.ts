import { explainRun, type WorldExplanation } from '../explore/explain/explain.ts';
import type { Violation } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';
import { type Moment, nearestPairs, type Pair } from './conflicts.ts';
import { sayInevitable } from './futures.ts';
import type { Trace } from './happening.ts';
import { sayNeeds, type VerdictUnder } from './needs.ts';
import { essentialOrders, impliedOrders } from './orders.ts';
import { recordTrace } from './trace.ts';
import { Variations } from './variation.ts';
import { sayWaits } from './waits.ts';
import { sayFetchCause, sayPair, sayWindow, windowOf } from './why-words.ts';
import { wrap } from './wrap.ts';

export type { VerdictUnder } from './needs.ts';

export interface WhyOptions {
  /** What is missing, in a sentence, where a variant that differs by one step says so. */
  readonly missing?: string | undefined;
  /** Most edges of the graph of all runs; default 200,000. 0: replays only. */
  readonly edges?: number;
}

export interface Why {
  /**
   * Orders of two accesses that matter, the latest first. By the graph of all runs: without any of them the same violation does not occur, and some run that
   * passes has it the other way round. By replays: the run with the two the other way round broke nothing; at most three.
   */
  readonly essential: readonly Pair[];
  /** How that was found. */
  readonly by: 'graph' | 'replay';
  /** Sentences about the orders, the telling one first. */
  readonly orders: readonly string[];
  /** A sentence for each of `essential`. */
  readonly each: readonly string[];
  /** Which features of the models it needs; undefined where that was not decided. */
  readonly needs: string | undefined;
  /** What the graph of all runs says, where it is small enough. */
  readonly explanation: WorldExplanation | undefined;
  /** From which step on nothing but a violation can follow; undefined without the graph. */
  readonly inevitable: string | undefined;
  /** The run. */
  readonly trace: Trace;
  /** The run that passes and is like it as long as possible; undefined without the graph, or where there is none. */
  readonly passing: Trace | undefined;
  /** `why   ...`: at most 4 lines of at most 75 columns, ended by a newline; empty when nothing could be decided. */
  readonly text: string;
}

const WIDTH = 75;
const MARGIN = 'why   ';
const MOST_LINES = 4;
const MOST_PAIRS = 3;
/** Accesses of the breaking core that are looked at, from its last one. */
const LOOK_BACK = 12;
const EDGES = 200_000;

/**
 * Says why a run breaks: which orders of two accesses it takes, by the graph of all runs where that is small, else by replaying the run with them the other
 * way round; who waits for whom; and, where the caller can say what other models find, which features of the models. `make` gives begun worlds in which
 * `answers` lead to `violation`. What was not decided is not said.
 */
export function explainWhy(
  make: () => World,
  answers: readonly number[],
  violation: Violation,
  verdictUnder?: VerdictUnder,
  options: WhyOptions = {},
): Why {
  const edges = options.edges ?? EDGES;
  const explanation = edges === 0 ? undefined : explainRun(make, answers, violation, edges);
  const passing = explanation?.passingAnswers === undefined ? undefined : traceOf(make, explanation.passingAnswers);
  const trace = traceOf(make, answers, violation);
  const found =
    explanation === undefined ? byReplay(make, answers, violation) : byGraph(make, answers, trace, violation, explanation, passing);
  const explore = make().machine.options.explore;
  const needs = explore === undefined ? undefined : sayNeeds(violation.check, explore.memory, explore.fetch.name, verdictUnder);
  const inevitable = explanation === undefined ? undefined : sayInevitable(trace, explanation);
  const waits = violation.check === 'I13' && violation.cause !== undefined ? sayWaits(make, answers) : [];
  // What the step is was said already where the order names it.
  const since = explanation?.inevitable;
  const brief = since !== undefined && found.orders[0]?.includes(`(@${since})`) === true ? `inevitable from @${since} on` : inevitable;
  const sentences = [
    ...waits.slice(0, 1),
    ...found.orders.slice(0, 1),
    options.missing,
    needs,
    ...waits.slice(1),
    brief,
    ...found.orders.slice(1),
  ];
  const text = fewLines(sentences.flatMap((s) => s ?? []));
  const each = found.essential.map((pair) => sayPair(trace, pair));
  return { ...found, orders: [...waits, ...found.orders], each, needs, explanation, inevitable, trace, passing, text };
}

function traceOf(make: () => World, answers: readonly number[], violation?: Violation): Trace {
  const world = make();
  const trace = recordTrace(world, answers, violation);
  world.release();
  return trace;
}

type Found = Pick<Why, 'essential' | 'by' | 'orders'>;

function byGraph(
  make: () => World,
  answers: readonly number[],
  trace: Trace,
  violation: Violation,
  explanation: WorldExplanation,
  passing: Trace | undefined,
): Found {
  const essential = essentialOrders(trace, explanation, passing);
  const orders = sayOrders(trace, violation, essential, impliedOrders(trace, explanation));
  if (orders.length > 0) return { essential, by: 'graph', orders };
  const other = explanation.passing === undefined ? [] : sayOther(new Variations(make, answers), violation);
  if (other.length > 0) return { essential, by: 'graph', orders: other };
  const { orders: all } = explanation;
  if (all === 0 || explanation.passing === undefined) return { essential, by: 'graph', orders };
  const none = all === 1 ? 'the one order of two CPUs in it does not decide' : `none of its ${all} orders of two CPUs decides alone`;
  return { essential, by: 'graph', orders: [none] };
}

function byReplay(make: () => World, answers: readonly number[], violation: Violation): Found {
  const variations = new Variations(make, answers);
  const essential = essentialPairs(variations, violation.core);
  const orders = sayOrders(variations.trace, violation, essential);
  if (orders.length === 0) orders.push(...sayOther(variations, violation));
  return { essential, by: 'replay', orders: orders.map((sentence) => (essential.length === 0 ? sentence : `${sentence} (by replay)`)) };
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

/** `others`: orders that may be the other side of a window. */
function sayOrders(trace: Trace, violation: Violation, essential: readonly Pair[], others: readonly Pair[] = []): string[] {
  const fetch = violation.check === 'code-race' || violation.check === 'I2' ? sayFetchCause(trace, violation.core) : undefined;
  const window = windowOf(essential, violation.core) ?? windowOf([...essential, ...others], violation.core);
  const inWindow = (pair: Pair): boolean =>
    window !== undefined && [window.enter, window.leave].some((p) => same(p.first, pair.first) && same(p.second, pair.second));
  const left = essential.filter((p) => !inWindow(p));
  const telling = left.filter((p) => !isSaid(p));
  const told = fetch === undefined && window === undefined && telling.length === 0 ? left : telling;
  return [
    ...(fetch === undefined ? [] : [fetch]),
    ...(window === undefined ? [] : [sayWindow(trace, window)]),
    ...told.map((p) => sayPair(trace, p)),
  ];
}

/** What a fetch returned says already that the write of those bytes came before it. */
const isSaid = ({ second: { what } }: Pair): boolean => what.what === 'fetch' && !what.race && what.age.kind === 'now';

/** No two accesses decide: is it an interrupt, or does it take no unlucky order at all? */
function sayOther(variations: Variations, violation: Violation): string[] {
  const taken = variations.trace.steps.findLast((s) => s.core === violation.core && s.choice === 'interrupt');
  if (taken !== undefined && variations.interruptLater(taken.at) === 'clean') {
    const name = taken.happened.find((h) => h.what === 'interrupt')?.name ?? 'interrupt';
    return [`CPU${violation.core} took the ${name} at ${taken.symbol} (@${taken.at}); taken after all else it breaks nothing (by replay)`];
  }
  return variations.undelayed() === violation.check ? ['takes no unlucky order: the run without any delay breaks too'] : [];
}

const same = (a: Moment, b: Moment): boolean => a.order === b.order && a.core === b.core;

/** As many sentences as the lines hold, each one that fits in its turn. */
function fewLines(sentences: readonly string[]): string {
  const chosen: string[] = [];
  const lay = (some: readonly string[]): string[] => wrap(some.join('; '), WIDTH - MARGIN.length, 0);
  for (const sentence of sentences) if (lay([...chosen, sentence]).length <= MOST_LINES) chosen.push(sentence);
  if (chosen.length === 0) return '';
  return lay(chosen)
    .map((line, i) => `${i === 0 ? MARGIN : ' '.repeat(MARGIN.length)}${line}\n`)
    .join('');
}
