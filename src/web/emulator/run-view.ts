import { draftLines } from '../../debug/drafting.ts';
import type { Happening, Trace, TraceStep } from '../../debug/happening.ts';
import { writes } from '../../debug/happening.ts';
import { sayHappening } from '../../debug/trace-text.ts';
import { CHECK_TITLES } from '../../explore/violation.ts';
import type { Arrow, BrokenView, RunView, Tag } from './protocol.ts';
import { TAGS } from './protocol.ts';

/** The columns of a run, from its trace. */
export type RunColumns = Pick<
  RunView,
  | 'cores'
  | 'roles'
  | 'count'
  | 'core'
  | 'tag'
  | 'told'
  | 'offered'
  | 'answer'
  | 'symbol'
  | 'text'
  | 'texts'
  | 'end'
  | 'broken'
  | 'arrows'
  | 'hash'
>;

export function runColumns(trace: Trace): RunColumns {
  const count = trace.steps.length;
  const texts = new Texts();
  const told = tellSteps(trace);
  const columns = {
    core: new Uint8Array(count),
    tag: new Uint8Array(count),
    told: new Uint8Array(count),
    offered: new Uint16Array(count),
    answer: new Uint16Array(count),
    symbol: new Uint32Array(count),
    text: new Uint32Array(count),
  };
  for (const [n, step] of trace.steps.entries()) {
    columns.core[n] = step.core;
    columns.tag[n] = TAGS.indexOf(tagOf(step));
    columns.told[n] = Number(count > DRAFTED_STEPS ? columns.tag[n]! >= FIRST_TOLD : told.has(n));
    columns.offered[n] = step.offered;
    columns.answer[n] = step.answer;
    columns.symbol[n] = texts.index(step.symbol);
    columns.text[n] = texts.index(told.get(n)?.join('; ') ?? plainly(step));
  }
  return {
    cores: trace.cores,
    roles: trace.roles,
    count,
    ...columns,
    texts: texts.all,
    end: trace.end.map((h) => sayHappening(h)),
    broken: brokenOf(trace),
    arrows: arrowsOf(trace),
    hash: trace.hash,
  };
}

/** Each text once. */
class Texts {
  readonly all: string[] = [];
  readonly #index = new Map<string, number>();

  index(text: string): number {
    let n = this.#index.get(text);
    if (n === undefined) {
      n = this.all.push(text) - 1;
      this.#index.set(text, n);
    }
    return n;
  }
}

/** Drafting looks at all of a run for each of its lines: a run that is longer than this is told step by step. */
const DRAFTED_STEPS = 3000;
/** Of such a run, the first tag that tells something by itself. */
const FIRST_TOLD = TAGS.indexOf('publish');

/** What steps say in the words of a changelog, by step: those that say something. */
function tellSteps(trace: Trace): Map<number, string[]> {
  const told = new Map<number, string[]>();
  if (trace.steps.length > DRAFTED_STEPS) return told;
  for (const { at, text } of draftLines(trace)) {
    if (at === undefined) continue;
    const lines = told.get(at) ?? [];
    lines.push(text);
    told.set(at, lines);
  }
  return told;
}

/** A step that is no line of a changelog: what it mostly did. */
function plainly(step: TraceStep): string {
  const best = step.happened.reduce<Happening | undefined>(
    (found, h) => (found === undefined || rank(h) > rank(found) ? h : found),
    undefined,
  );
  if (best === undefined) return step.choice === 'step' ? 'goes on' : step.choice;
  return sayHappening(best).replace(/ {2}\(\w+\)$/, '');
}

const rank = (h: Happening): number => TAGS.indexOf(tagOfHappening(h));

function tagOf(step: TraceStep): Tag {
  return TAGS[step.happened.reduce((most, h) => Math.max(most, rank(h)), 0)] as Tag;
}

function tagOfHappening(h: Happening): Tag {
  switch (h.what) {
    case 'access':
      if (h.access === 'buffer') return 'buffer';
      return writes(h) ? (h.site ? 'text' : 'publish') : 'load';
    case 'fetch':
      return h.stale || h.age.kind === 'mixed' ? 'stale' : 'fetch';
    case 'exception':
    case 'shutdown':
    case 'die':
      return 'exception';
    case 'violation':
      return 'violation';
    case 'interrupt':
    case 'ipi':
    case 'iret':
    case 'serialize':
      return h.what;
    default:
      return 'local';
  }
}

function brokenOf(trace: Trace): BrokenView | undefined {
  const [first] = trace.violations;
  if (first === undefined) return undefined;
  const is = (h: Happening): boolean => h.what === 'violation';
  const inStep = trace.steps.findLast((s) => s.happened.some(is));
  const told = [...(inStep?.happened ?? []), ...trace.end].find(is);
  const message = told?.what === 'violation' ? told.message : first.message;
  return { check: first.check, title: CHECK_TITLES[first.check], message, core: first.core, at: inStep?.at ?? trace.steps.length };
}

/** IPIs with the step in which each target took it. One that waits already is taken with the next: an APIC has one bit a vector. */
function arrowsOf(trace: Trace): Arrow[] {
  const out: { name: string; from: number; sender: number; target: number; to: number | undefined }[] = [];
  const waiting = new Map<string, (typeof out)[number][]>();
  for (const { at, happened } of trace.steps) {
    for (const h of happened) {
      if (h.what === 'ipi') {
        for (const target of h.targets) {
          const arrow = { name: h.name, from: at, sender: h.core, target, to: undefined };
          const key = `${h.vector} ${target}`;
          waiting.set(key, [...(waiting.get(key) ?? []), arrow]);
          out.push(arrow);
        }
      } else if (h.what === 'interrupt') {
        const key = `${h.vector} ${h.core}`;
        for (const arrow of waiting.get(key) ?? []) arrow.to = at;
        waiting.delete(key);
      }
    }
  }
  return out;
}
