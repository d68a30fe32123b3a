import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionName } from '../debug/names.ts';
import { type Position, positionText } from '../debug/timeline/position.ts';
import { Vector } from '../isa/core-state.ts';
import { translate } from '../machine/look.ts';
import { didYouMean } from '../suggest.ts';
import type { UserBreakpoint } from './breakpoints.ts';
import type { Debuggee } from './debuggee.ts';
import { evaluate } from './expression.ts';
import type { Fields } from './fields.ts';

type Made = Omit<UserBreakpoint, 'id' | 'kind' | 'group'>;
type Answer = DebugProtocol.Breakpoint;

const whyNot = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const none = { watch: undefined, addresses: [] as readonly bigint[] };
const conditions = (fields: Fields): Pick<Made, 'condition' | 'log'> => ({
  condition: fields.text('condition'),
  log: fields.text('logMessage'),
});

/** Sets what could be made of each, and answers in their order; what could not be says why. */
function set(
  { breakpoints }: Debuggee,
  kind: UserBreakpoint['kind'],
  group: string,
  wanted: readonly ({ readonly make: Made; readonly answer?: Partial<Answer> } | { readonly why: string })[],
): { breakpoints: Answer[] } {
  const made = breakpoints.replace(
    kind,
    group,
    wanted.flatMap((w) => ('make' in w ? [w.make] : [])),
  );
  let n = 0;
  return {
    breakpoints: wanted.map((w): Answer => {
      if ('why' in w) return { id: breakpoints.nextId(), verified: false, message: w.why, reason: 'failed' };
      return { id: made[n++]!.id, verified: true, ...w.answer };
    }),
  };
}

function setBreakpoints(debuggee: Debuggee, fields: Fields): DebugProtocol.SetBreakpointsResponse['body'] {
  const { sources, client, run } = debuggee;
  const source = fields.fields('source');
  const path = client.pathOf(source.text('path') ?? source.text('name') ?? '');
  const file = sources.fileOf(path);
  const list = fields.list('breakpoints');
  return set(
    debuggee,
    'source',
    file ?? path,
    list.map((b) => {
      const line = client.lineOf(b.needNumber('line'));
      if (file === undefined) return { why: `no code of ${run.title} comes from ${path}` };
      const place = sources.place(file, line);
      if (place === undefined) return { why: `there is no code at line ${line} of ${file} or behind it` };
      return {
        make: { ...none, addresses: place.addresses, ...conditions(b) },
        answer: { line: client.line(place.line), instructionReference: `0x${place.addresses[0]!.toString(16)}` },
      };
    }),
  );
}

function setFunctionBreakpoints(debuggee: Debuggee, fields: Fields): DebugProtocol.SetFunctionBreakpointsResponse['body'] {
  const { run } = debuggee;
  return set(
    debuggee,
    'function',
    '',
    fields.list('breakpoints').map((b) => {
      const name = b.needText('name');
      try {
        const { value, address } = evaluate(run, { core: run.core(debuggee.focus) }, name);
        const at = address ?? value;
        return {
          make: { ...none, addresses: [at], ...conditions(b) },
          answer: {
            instructionReference: `0x${at.toString(16)}`,
            ...(run.image.segmentAt(at)?.executable !== true && { message: 'this is no code of the image' }),
          },
        };
      } catch (error) {
        return { why: `${whyNot(error)}${hintFor(name, debuggee)}` };
      }
    }),
  );
}

function hintFor(name: string, { run }: Debuggee): string {
  const hint = didYouMean(
    name,
    run.image.symbols.map((s) => s.name),
  );
  return hint === undefined ? '' : `; ${hint}`;
}

function setInstructionBreakpoints(debuggee: Debuggee, fields: Fields): DebugProtocol.SetInstructionBreakpointsResponse['body'] {
  const { run } = debuggee;
  return set(
    debuggee,
    'instruction',
    '',
    fields.list('breakpoints').map((b) => {
      const reference = b.needText('instructionReference');
      try {
        const { value, address } = evaluate(run, { core: run.core(debuggee.focus) }, reference);
        const at = BigInt.asUintN(64, (address ?? value) + BigInt(b.number('offset', Number.MIN_SAFE_INTEGER) ?? 0));
        return { make: { ...none, addresses: [at], ...conditions(b) }, answer: { instructionReference: `0x${at.toString(16)}` } };
      } catch (error) {
        return { why: whyNot(error) };
      }
    }),
  );
}

const ACCESS = { write: 'write', read: 'read', readWrite: 'access' } as const;
const DATA_ID = /^(0x[0-9a-f]{1,16}):(\d{1,4})@(\d{1,3})$/;

function dataBreakpointInfo(debuggee: Debuggee, fields: Fields): DebugProtocol.DataBreakpointInfoResponse['body'] {
  const { run, variables } = debuggee;
  const name = fields.needText('name');
  const reference = fields.number('variablesReference');
  const core = (reference === undefined ? undefined : variables.coreOf(reference)) ?? debuggee.frameOf(fields.number('frameId')).core.index;
  const on = run.core(core);
  // A member goes by the expression that it was shown with.
  const shown = reference === undefined ? undefined : variables.of(reference)?.find((v) => v.name === name);
  try {
    const value = evaluate(run, { core: on }, shown?.evaluateName ?? name);
    const asAddress = fields.flag('asAddress') ?? false;
    // A function or a site is where it is.
    const code = value.register === undefined && run.image.segmentAt(value.value)?.executable === true ? value.value : undefined;
    const address = asAddress ? value.value : (value.address ?? code);
    if (address === undefined) return { dataId: null, description: `${name} is in no memory` };
    if (translate(run.timeline.machine, on, address) === undefined)
      return { dataId: null, description: `there is no memory at 0x${address.toString(16)}` };
    const site = run.world?.sites.find((s) => s.address === address)?.versions[0]?.length;
    const size = fields.number('bytes', 1, 4096) ?? site ?? (asAddress ? 8 : value.size);
    return {
      dataId: `0x${address.toString(16)}:${size}@${core}`,
      description: `${run.code(address)}, ${size} ${size === 1 ? 'byte' : 'bytes'}`,
      accessTypes: ['write', 'read', 'readWrite'],
      canPersist: true,
    };
  } catch (error) {
    return { dataId: null, description: whyNot(error) };
  }
}

function setDataBreakpoints(debuggee: Debuggee, fields: Fields): DebugProtocol.SetDataBreakpointsResponse['body'] {
  return set(
    debuggee,
    'data',
    '',
    fields.list('breakpoints').map((b) => {
      const id = b.needText('dataId');
      const match = DATA_ID.exec(id);
      const size = Number(match?.[2] ?? 0);
      if (match === null || size === 0 || size > 4096)
        return { why: `${JSON.stringify(id)} is no place to watch: dataBreakpointInfo gives those` };
      const kind = ACCESS[b.oneOf('accessType', ['write', 'read', 'readWrite'] as const) ?? 'write'];
      return { make: { ...none, watch: { address: BigInt(match[1] as string), size, kind }, ...conditions(b) } };
    }),
  );
}

/** Filters of exceptions: a violation, every exception, or one of the architecture. */
export const EXCEPTION_FILTERS: readonly DebugProtocol.ExceptionBreakpointsFilter[] = [
  { filter: 'violation', label: 'Violations', description: 'the run breaks an invariant', default: true },
  { filter: 'exceptions', label: 'All exceptions', description: 'any core takes an exception of the architecture', default: false },
  ...Object.values(Vector)
    .filter((vector) => vector !== Vector.NMI)
    .map((vector) => ({
      filter: exceptionName(vector),
      label: exceptionName(vector),
      description: `a core takes ${exceptionName(vector)}`,
      default: false,
    })),
];

function setExceptionBreakpoints(debuggee: Debuggee, fields: Fields): NonNullable<DebugProtocol.SetExceptionBreakpointsResponse['body']> {
  const { debug } = debuggee.run;
  const filters = [...fields.texts('filters'), ...fields.list('filterOptions').map((o) => o.needText('filterId'))];
  debug.exceptions.clear();
  debuggee.stopsAtViolation = filters.includes('violation');
  for (const vector of Object.values(Vector))
    if (filters.includes('exceptions') || filters.includes(exceptionName(vector))) debug.exceptions.add(vector);
  const known = EXCEPTION_FILTERS.map((f) => f.filter);
  return {
    breakpoints: filters.map((filter) =>
      known.includes(filter)
        ? { verified: true }
        : { verified: false, message: `there is no filter '${filter}': ${didYouMean(filter, known) ?? known.join(', ')}` },
    ),
  };
}

function breakpointLocations({ sources, client }: Debuggee, fields: Fields): DebugProtocol.BreakpointLocationsResponse['body'] {
  const file = sources.fileOf(client.pathOf(fields.fields('source').text('path') ?? ''));
  const line = client.lineOf(fields.needNumber('line'));
  const end = fields.number('endLine');
  const lines = file === undefined ? [] : sources.lines(file, line, end === undefined ? line : client.lineOf(end));
  return { breakpoints: lines.map((l) => ({ line: client.line(l) })) };
}

const MAX_TARGETS = 50;
/** A position as the number of a goto target. */
const INSIDE = 1 << 20;
export const positionOfTarget = (id: number): Position => ({ at: Math.floor(id / INSIDE), inside: id % INSIDE });

/** The steps of the run that begin in a line: where one can go to. */
function gotoTargets({ run, sources, client }: Debuggee, fields: Fields): DebugProtocol.GotoTargetsResponse['body'] {
  const file = sources.fileOf(client.pathOf(fields.fields('source').text('path') ?? ''));
  const line = client.lineOf(fields.needNumber('line'));
  const ranges = file === undefined ? [] : sources.ranges(file, line);
  const steps = (run.trace()?.steps ?? []).filter((s) => ranges.some((r) => s.rip >= r.start && s.rip < r.end));
  return {
    targets: steps.slice(0, MAX_TARGETS).map((s) => ({
      id: s.at * INSIDE,
      label: `${positionText({ at: s.at, inside: 0 })} CPU${s.core} ${s.symbol}`,
      line: client.line(line),
      instructionPointerReference: `0x${s.rip.toString(16)}`,
    })),
  };
}

export const SETTINGS: Readonly<Record<string, (debuggee: Debuggee, fields: Fields) => object>> = {
  setBreakpoints,
  setFunctionBreakpoints,
  setInstructionBreakpoints,
  dataBreakpointInfo,
  setDataBreakpoints,
  setExceptionBreakpoints,
  breakpointLocations,
  gotoTargets,
};
