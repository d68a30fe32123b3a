import type { DebugProtocol } from '@vscode/debugprotocol';
import { sayActivity } from '../debug/stepper/describe.ts';
import type { Frame } from '../debug/timeline/stack.ts';
import { TextpokeError } from '../error.ts';
import type { Core } from '../machine/core.ts';
import { readLinear } from '../machine/look.ts';
import type { Debuggee } from './debuggee.ts';
import { evaluate, REGISTER_NAMES } from './expression.ts';
import type { Fields } from './fields.ts';
import { VERBS } from './repl.ts';
import type { Run } from './run.ts';
import { sayValue } from './values.ts';

/** Answers a request that only looks. */
export type Look = (debuggee: Debuggee, fields: Fields) => object;

const MAX_INSTRUCTIONS = 10_000;
const MAX_READ_BYTES = 1 << 20;
const MAX_COMPLETIONS = 100;

const refuse = (message: string, where: string, hint: string): TextpokeError => new TextpokeError('E_USAGE', message, { where, hint });

function threads({ run, threadOf }: Debuggee): DebugProtocol.ThreadsResponse['body'] {
  const roles = run.session?.recorded.trace.roles ?? [];
  const of = (core: Core): string => {
    const role =
      run.session === undefined ? '' : roles[core.index] === '' ? patcherOf(run.world?.actors, core.index) : ` ${roles[core.index]}`;
    return `CPU${core.index}${role} (${sayActivity(core)})`;
  };
  return { threads: run.cores.map((core) => ({ id: threadOf(core.index), name: of(core) })) };
}

const patcherOf = (actors: readonly { readonly core: number; readonly patcher?: unknown }[] | undefined, core: number): string =>
  actors?.some((a) => a.core === core && a.patcher !== undefined) === true ? ' patcher' : '';

function stackTrace(debuggee: Debuggee, fields: Fields): DebugProtocol.StackTraceResponse['body'] {
  const { run, client, sources } = debuggee;
  const core = debuggee.coreOf(fields);
  const start = fields.number('startFrame') ?? 0;
  const levels = fields.number('levels') ?? 0;
  const frames = debuggee.frames(run.core(core));
  const shown = frames.slice(start, levels === 0 ? undefined : start + levels);
  return {
    totalFrames: frames.length,
    stackFrames: shown.map((frame, n) => {
      const line = run.image.lineAt(frame.at);
      const source = line === undefined ? undefined : sources.source(line.file);
      const kind = frame.kind === 'interrupted' ? ' (interrupted)' : '';
      return {
        id: debuggee.frameId(core, start + n),
        name: `${nameOf(run, frame)}${kind}`,
        line: line === undefined || source === undefined ? 0 : client.line(line.line),
        column: line === undefined || source === undefined ? 0 : client.column(line.column),
        instructionPointerReference: `0x${frame.rip.toString(16)}`,
        ...(source !== undefined && { source: { ...source, path: client.path(source.path ?? '') } }),
      };
    }),
  };
}

/** Where a frame goes on, in words. A call may be the last instruction of its function: then what lies behind it is another one. */
function nameOf(run: Run, { rip, at }: Frame): string {
  const called = run.image.symbolAt(at);
  if (called === undefined || called.symbol === run.image.symbolAt(rip)?.symbol) return run.code(rip);
  return `${called.symbol.name}+0x${(rip - called.symbol.address).toString(16)}`;
}

function scopes(debuggee: Debuggee, fields: Fields): DebugProtocol.ScopesResponse['body'] {
  const { core, frame } = debuggee.frameOf(fields.needNumber('frameId'));
  return { scopes: debuggee.variables.scopes(core, frame) };
}

function variables({ variables: all }: Debuggee, fields: Fields): DebugProtocol.VariablesResponse['body'] {
  const reference = fields.needNumber('variablesReference');
  const found = all.of(reference);
  if (found === undefined)
    throw refuse(
      'what these variables belonged to is over: the run has moved',
      `variablesReference ${reference}`,
      'ask for the scopes again',
    );
  const start = fields.number('start') ?? 0;
  const count = fields.number('count') ?? 0;
  return { variables: count > 0 || start > 0 ? found.slice(start, count === 0 ? undefined : start + count) : [...found] };
}

/** A reference to memory: `0x...`, as this adapter gives them; any expression will do. */
function address(debuggee: Debuggee, core: Core, fields: Fields): bigint {
  const text = fields.needText('memoryReference');
  const value = evaluate(debuggee.run, { core }, text);
  const offset = fields.number('offset', Number.MIN_SAFE_INTEGER) ?? 0;
  return BigInt.asUintN(64, (value.address ?? value.value) + BigInt(offset));
}

function disassembleRequest(debuggee: Debuggee, fields: Fields): NonNullable<DebugProtocol.DisassembleResponse['body']> {
  const core = debuggee.run.core(debuggee.focus);
  const count = fields.needNumber('instructionCount', 0, MAX_INSTRUCTIONS);
  const offset = fields.number('instructionOffset', -MAX_INSTRUCTIONS, MAX_INSTRUCTIONS) ?? 0;
  const wanted = { address: address(debuggee, core, fields), offset, count, symbols: fields.flag('resolveSymbols') ?? true };
  const instructions = debuggee.disassembly.instructions(core, wanted);
  return {
    instructions: instructions.map((i) => ({
      ...i,
      ...(i.line !== undefined && { line: debuggee.client.line(i.line) }),
      ...(i.location !== undefined && { location: { ...i.location, path: debuggee.client.path(i.location.path ?? '') } }),
    })),
  };
}

/** What memory holds; stores that wait in store buffers are not in it. */
function readMemory(debuggee: Debuggee, fields: Fields): NonNullable<DebugProtocol.ReadMemoryResponse['body']> {
  const core = debuggee.run.core(debuggee.focus);
  const from = address(debuggee, core, fields);
  const count = fields.needNumber('count', 0, MAX_READ_BYTES);
  const bytes = readLinear(debuggee.run.timeline.machine, core, from, count, 'memory');
  const unreadable = count - bytes.length;
  return {
    address: `0x${from.toString(16)}`,
    ...(unreadable > 0 && { unreadableBytes: unreadable }),
    ...(bytes.length > 0 && { data: Buffer.from(bytes).toString('base64') }),
  };
}

/** The value of an expression; `@N` is what happens in a step. */
export function evaluateExpression(debuggee: Debuggee, fields: Fields): DebugProtocol.EvaluateResponse['body'] {
  const { run } = debuggee;
  const text = fields.needText('expression');
  const { core, frame } = debuggee.frameOf(fields.number('frameId'));
  const value = evaluate(run, { core, frame }, text);
  const reference = value.address ?? (run.image.segmentAt(value.value) === undefined ? undefined : value.value);
  return {
    result: sayValue(run, core.index, value, fields.fields('format').flag('hex') ?? false),
    variablesReference: debuggee.variables.partsOf(core, text, value),
    presentationHint: { attributes: ['readOnly'] },
    ...(reference !== undefined && { memoryReference: `0x${reference.toString(16)}` }),
  };
}

function completions(debuggee: Debuggee, fields: Fields): DebugProtocol.CompletionsResponse['body'] {
  const text = fields.needText('text');
  const column = fields.needNumber('column');
  const typed = /[\w$.-]*$/.exec(text.slice(0, Math.max(0, column - debuggee.client.column(1))))?.[0] ?? '';
  const names = [
    ...(text.trim() === typed ? Object.keys(VERBS) : []),
    ...REGISTER_NAMES.map((r) => `$${r}`),
    ...debuggee.run.image.symbols.map((s) => s.name),
  ];
  const found = typed === '' ? [] : [...new Set(names)].filter((n) => n.startsWith(typed)).slice(0, MAX_COMPLETIONS);
  return { targets: found.map((label) => ({ label, start: column - debuggee.client.column(1) - typed.length, length: typed.length })) };
}

function loadedSources({ sources, client }: Debuggee): DebugProtocol.LoadedSourcesResponse['body'] {
  return {
    sources: sources.files.flatMap((file) => {
      const source = sources.source(file);
      return source === undefined ? [] : [{ ...source, path: client.path(source.path ?? '') }];
    }),
  };
}

function sourceRequest({ client, sources, host }: Debuggee, fields: Fields): DebugProtocol.SourceResponse['body'] {
  const wanted = client.pathOf(fields.fields('source').needText('path'));
  const file = sources.fileOf(wanted);
  const path = file === undefined ? undefined : sources.source(file)?.path;
  if (path === undefined)
    throw refuse(`the image has no source ${wanted}`, wanted, 'loadedSources lists them; "sourceRoot" says where they lie');
  return { content: new TextDecoder().decode(host.readFile(path)) };
}

export const LOOKS: Readonly<Record<string, Look>> = {
  threads,
  stackTrace,
  scopes,
  variables,
  disassemble: disassembleRequest,
  readMemory,
  completions,
  loadedSources,
  source: sourceRequest,
};
