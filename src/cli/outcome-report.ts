import { hexBytes, Names } from '../debug/names.ts';
import type { Observation } from '../explore/checkers/observations.ts';
import type { Outcome, Outcomes } from '../explore/outcomes.ts';
import { effectOf } from '../explore/site.ts';
import { CHECK_TITLES } from '../explore/violation.ts';
import type { World } from '../explore/world.ts';

/** How many interleavings (or outcomes, where those are not counted) break a check, and how many do not; as litmus tests are answered. */
export interface CheckObservation {
  /** The check, or `violation` where nothing breaks any. */
  readonly check: string;
  readonly answer: 'Never' | 'Sometimes' | 'Always';
  readonly positive: bigint;
  readonly negative: bigint;
}

/** What of an outcome tells it apart from the others, in words. */
export interface ToldOutcome {
  readonly violation: string | undefined;
  /** Of each core that does not see the same in all outcomes. */
  readonly cores: readonly { readonly core: number; readonly saw: readonly string[] }[];
  /** Of each variable that does not end up the same in all outcomes. */
  readonly values: readonly { readonly name: string; readonly value: string }[];
}

/** Says outcomes in the words of a world that they are of; nothing runs in it. */
export function wordsOf({ outcomes, words }: Pick<Outcomes, 'outcomes' | 'words'>, world: World): ToldOutcome[] {
  const names = new Names(world);
  const quiet = outcomes.filter((o) => o.violation === undefined);
  const differ = <T>(of: (o: Outcome) => T): boolean => new Set(quiet.map(of)).size > 1;
  const results = resultsThatDiffer(quiet);
  const saw = (o: Outcome, core: number): string[] =>
    (o.observed[core] ?? []).flatMap((seen) =>
      seen.kind === 'result' && !results.has(seen.of) ? [] : [sayObservation(seen, world, names)],
    );
  const cores = world.machine.cores.map((c) => c.index).filter((core) => differ((o) => saw(o, core).join('\n')));
  const changing = words.flatMap((word, n) => (differ((o) => o.values[n]) ? [{ ...word, n }] : []));
  return outcomes.map((o) => ({
    violation: o.violation === undefined ? undefined : names.plain(o.violation.message),
    cores: o.violation === undefined ? cores.map((core) => ({ core, saw: saw(o, core) })) : [],
    values:
      o.violation !== undefined
        ? []
        : changing.map(({ address, size, n }) => ({
            name: names.data(world.lab.physical(address), size),
            value: names.value(world.lab.physical(address), size, o.values[n]!),
          })),
  }));
}

/** Functions that do not always return the same. */
function resultsThatDiffer(outcomes: readonly Outcome[]): ReadonlySet<bigint> {
  const values = new Map<bigint, Set<bigint>>();
  for (const seen of outcomes.flatMap((o) => o.observed.flat()))
    if (seen.kind === 'result') values.set(seen.of, (values.get(seen.of) ?? new Set()).add(seen.value));
  return new Set([...values].filter(([, all]) => all.size > 1).map(([of]) => of));
}

/** `call target_b`, `#BP -> target_b`, `f() = 3`; sites have their names where there are several. */
function sayObservation(seen: Observation, world: World, names: Names): string {
  const one = world.sites.length === 1;
  switch (seen.kind) {
    case 'version': {
      const site = world.sites[seen.site]!;
      const bytes = site.versions[seen.version]!;
      const text = names.instruction(site, bytes) ?? (effectOf(site, bytes).kind === 'next' ? 'nop' : hexBytes(bytes));
      return one ? text : `${site.name}: ${text}`;
    }
    case 'trap':
      return `#BP${one ? '' : ` at ${world.sites[seen.site]!.name}`} -> ${names.code(seen.to)}`;
    case 'result':
      return `${names.code(seen.of)}() = ${BigInt.asIntN(32, seen.value)}`;
    case 'said':
      return world.message(seen.text, seen.value);
  }
}

/** One answer for each check that is broken in some run, or one that nothing is. */
export function observations({ outcomes, notCounted }: Outcomes): CheckObservation[] {
  const size = (o: Outcome): bigint => (notCounted === undefined ? (o.interleavings ?? 0n) : 1n);
  const sum = (some: readonly Outcome[]): bigint => some.reduce((n, o) => n + size(o), 0n);
  const checks = [...new Set(outcomes.flatMap((o) => (o.violation === undefined ? [] : [o.violation.check])))];
  if (checks.length === 0) return [{ check: 'violation', answer: 'Never', positive: 0n, negative: sum(outcomes) }];
  return checks.map((check) => {
    const positive = sum(outcomes.filter((o) => o.violation?.check === check));
    const negative = sum(outcomes) - positive;
    return { check, answer: negative === 0n ? 'Always' : 'Sometimes', positive, negative };
  });
}

/** What an outcome is, in lines: what it violates, or what each core saw and the variables hold. */
export function sayOutcome(outcome: Outcome, told: ToldOutcome): string[] {
  if (outcome.violation !== undefined) {
    const { check } = outcome.violation;
    return [`FAIL ${CHECK_TITLES[check]} (${check}): ${told.violation}`];
  }
  const cores = told.cores.map(({ core, saw }) => `CPU${core}  ${saw.length === 0 ? 'nothing of all this' : saw.join(', ')}`);
  const values = told.values.map(({ name, value }) => `${name} = ${value}`);
  const lines = [...cores, ...(values.length === 0 ? [] : [`end   ${values.join(', ')}`])];
  return lines.length === 0 ? ['no violation'] : lines;
}
