import { TextpokeError } from '../../error.ts';
import { type Condition, type Formula, parseCondition, parseFormula } from './condition.ts';
import { Tokens } from './tokens.ts';

/** Which instruction set a test says that it is for: `X86` has 32-bit registers and writes the destination first. */
export type LitmusArch = 'X86_64' | 'X86';

/** A number, the address of a variable, that of a label in one of its mappings, or machine code as a number (`instr:"..."`). */
export type LitmusValue =
  | bigint
  | { readonly address: string }
  | { readonly label: CodeLabel; readonly mapping: CodeMapping }
  | { readonly instructions: string };

/** Where the same code lies: where it runs (`P1:S`), where it can be written besides (`alias(P1:S)`), where it runs at CPL 3 (`user(P1:S)`). */
export type CodeMapping = 'run' | 'alias' | 'user';

/** A label in the code of a thread. */
export interface CodeLabel {
  readonly thread: number;
  readonly name: string;
}

/** Code of a thread that it does not run by itself: where it goes on after a fault, what an interrupt or an NMI calls. */
export type HandlerKind = 'fault' | 'interrupt' | 'nmi';

export interface LitmusHandler {
  readonly thread: number;
  readonly kind: HandlerKind;
  readonly cells: readonly string[];
}

export interface LitmusVariable {
  readonly name: string;
  /** Of one element. */
  readonly bytes: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** One value, or those of an array. */
  readonly values: readonly LitmusValue[];
}

export interface LitmusRegister {
  readonly thread: number;
  /** As the test writes it. */
  readonly register: string;
  readonly signed: boolean;
  readonly value: LitmusValue;
}

/**
 * A place whose final value is asked for: a variable, an array's element, a thread's register, or whether the thread took an exception (of one vector,
 * as the manual writes it: `#BP`; of any).
 */
export type Location =
  | { readonly kind: 'variable'; readonly name: string; readonly index: number }
  | { readonly kind: 'register'; readonly thread: number; readonly register: string }
  | { readonly kind: 'fault'; readonly thread: number; readonly vector: string | undefined };

/** A litmus test of herdtools7 for x86. J. Alglave, L. Maranget, "herdtools7: Litmus tests", doc/litmus.pdf. */
export interface LitmusTest {
  readonly arch: LitmusArch;
  readonly name: string;
  readonly variables: readonly LitmusVariable[];
  readonly registers: readonly LitmusRegister[];
  /** Instructions of each thread as written, empty cells left out. */
  readonly threads: readonly (readonly string[])[];
  readonly handlers: readonly LitmusHandler[];
  /** Shown besides those of the condition. */
  readonly locations: readonly Location[];
  /** Final states that count, where the test restricts them. */
  readonly filter: Formula | undefined;
  readonly condition: Condition;
}

const TYPES: Readonly<Record<string, { bytes: 1 | 2 | 4 | 8; signed: boolean }>> = {
  int8_t: { bytes: 1, signed: true },
  int16_t: { bytes: 2, signed: true },
  int32_t: { bytes: 4, signed: true },
  int64_t: { bytes: 8, signed: true },
  uint8_t: { bytes: 1, signed: false },
  uint16_t: { bytes: 2, signed: false },
  uint32_t: { bytes: 4, signed: false },
  uint64_t: { bytes: 8, signed: false },
  char: { bytes: 1, signed: true },
  short: { bytes: 2, signed: true },
  int: { bytes: 4, signed: true },
  long: { bytes: 8, signed: true },
};
const UNTYPED = { bytes: 8, signed: false } as const;

/** Reads a test. `where` names it in errors; `E_USAGE` where the text is none. */
export function parseLitmus(text: string, where: string): LitmusTest {
  const plain = withoutComments(text);
  const open = plain.indexOf('{');
  const head = /^\s*(\w+)\s+(\S+)/.exec(plain);
  if (open < 0 || head === null) throw refuse(where, 'no litmus test', 'it begins with an architecture, a name and { initial values }');
  const [, arch, name = ''] = head;
  if (arch !== 'X86_64' && arch !== 'X86')
    throw new TextpokeError('E_USAGE', `a litmus test for ${arch}, not for x86`, { where, hint: 'X86_64 and X86 are known' });
  const close = matching(plain, open);
  if (close < 0) throw refuse(where, 'the initial values have no end', 'they end with }');
  const initial = parseInitial(plain.slice(open + 1, close), where);
  const rest = plain.slice(close + 1);
  // The threads are the lines that end with a semicolon; what is behind them is the question.
  const question = /^\s*(?:locations|filter|exists|forall|~\s*exists|<>)\b|^\s*~/m.exec(rest);
  const rows = rest
    .slice(0, question?.index ?? rest.length)
    .split(/;[ \t]*(?:\n|$)/)
    .map((row) => row.split('|').map((cell) => cell.trim()));
  rows.pop();
  const [names, ...lines] = rows;
  const column = (n: number): string[] => lines.map((row) => row[n] ?? '').filter((cell) => cell !== '');
  const { threads, handlers } = columnsOf(names ?? [], column, where);
  const tokens = new Tokens(rest.slice(question?.index ?? rest.length), where);
  const locations: Location[] = [];
  let filter: Formula | undefined;
  for (;;) {
    if (tokens.skip('locations')) locations.push(...parseLocations(tokens));
    else if (tokens.skip('filter')) filter = parseFormula(tokens);
    else break;
  }
  return { arch, name, ...initial, threads, handlers, locations, filter, condition: parseCondition(tokens) };
}

const HANDLERS: Readonly<Record<string, HandlerKind>> = { F: 'fault', I: 'interrupt', N: 'nmi' };

/** `P0 | P1 | P1.F`: threads in order, each before its handlers. */
function columnsOf(
  names: readonly string[],
  column: (n: number) => string[],
  where: string,
): { threads: string[][]; handlers: LitmusHandler[] } {
  const threads: string[][] = [];
  const handlers: LitmusHandler[] = [];
  names.forEach((name, n) => {
    const [, thread, kind] = /^P(\d+)(?:\.([FIN]))?$/.exec(name) ?? [];
    if (thread !== undefined && kind === undefined && Number(thread) === threads.length) threads.push(column(n));
    else if (thread !== undefined && kind !== undefined && Number(thread) < threads.length)
      handlers.push({ thread: Number(thread), kind: HANDLERS[kind] as HandlerKind, cells: column(n) });
    else threads.length = 0;
  });
  if (threads.length === 0) throw refuse(where, 'no threads', 'a line names them: P0 | P1 ;');
  return { threads, handlers };
}

/** Labels of code whose address the test uses: what it may write, or jump to. */
export function labelsUsed(test: LitmusTest): CodeLabel[] {
  const values = [...test.variables.flatMap((v) => v.values), ...test.registers.map((r) => r.value)];
  const cells = [...test.threads.flat(), ...test.handlers.flatMap((h) => h.cells)];
  const named = cells.flatMap((cell) => [...cell.matchAll(/\(\s*P(\d+):([A-Za-z_]\w*)\s*\)/g)]);
  return [...values.flatMap((v) => (isLabel(v) ? [v.label] : [])), ...named.map((m) => ({ thread: Number(m[1]), name: m[2] as string }))];
}

/** Whether threads of the test go to CPL 3, where the code has addresses of its own. */
export const usesUserMode = (test: LitmusTest): boolean => test.registers.some((r) => isLabel(r.value) && r.value.mapping === 'user');

const isLabel = (value: LitmusValue): value is Extract<LitmusValue, { label: CodeLabel }> => typeof value === 'object' && 'label' in value;

/** Whether instruction fetch matters: code of the test is data of it as well. */
export const usesCode = (test: LitmusTest): boolean => labelsUsed(test).length > 0;

const refuse = (where: string, what: string, hint: string): TextpokeError =>
  new TextpokeError('E_USAGE', `not a litmus test: ${what}`, { where, hint });

/** Comments `(* *)`, which nest, become nothing. */
function withoutComments(text: string): string {
  let out = '';
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith('(*', i)) {
      depth++;
      i++;
    } else if (depth > 0 && text.startsWith('*)', i)) {
      depth--;
      i++;
    } else if (depth === 0) out += text[i];
  }
  return out;
}

function matching(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++;
    if (text[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

function parseInitial(text: string, where: string): Pick<LitmusTest, 'variables' | 'registers'> {
  const variables: LitmusVariable[] = [];
  const registers: LitmusRegister[] = [];
  // A semicolon between quotes separates instructions.
  for (const statement of (text.match(/(?:"[^"]*"|[^;"])+/g) ?? []).map((s) => s.trim())) {
    if (statement === '') continue;
    const form = /^(?:([a-z]\w*)\s*(\*?)\s+)?(?:(\d+)\s*:\s*)?\[?\s*([A-Za-z_]\w*)\s*\]?\s*(?:\[\s*(\d*)\s*\])?\s*(?:=\s*(.*))?$/s.exec(
      statement,
    );
    const type = form?.[1] === undefined ? UNTYPED : form[2] === '*' ? UNTYPED : TYPES[form[1]];
    if (form === null || type === undefined)
      throw refuse(where, `what is '${statement}'?`, 'initial values are like x=1, 0:rax=x, uint64_t y[2]={1,2}');
    const [, , , thread, name = '', elements, given] = form;
    const values = given === undefined ? Array<LitmusValue>(Number(elements || 1)).fill(0n) : parseValues(given, where);
    if (thread === undefined) variables.push({ name, ...type, values });
    else registers.push({ thread: Number(thread), register: name, signed: type.signed, value: values[0] ?? 0n });
  }
  return { variables, registers };
}

function parseValues(text: string, where: string): LitmusValue[] {
  const list = /^\{(.*)\}$/s.exec(text.trim());
  return (list === null ? [text] : (list[1] as string).split(',')).map((value) => parseValue(value.trim(), where));
}

function parseValue(text: string, where: string): LitmusValue {
  if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  const code = /^instr\s*:\s*"([^"]*)"$/.exec(text);
  if (code !== null) return { instructions: code[1] as string };
  const label = /^(?:(alias|user)\s*\(\s*)?P(\d+):([A-Za-z_]\w*)(\s*\))?$/.exec(text);
  if (label !== null && (label[1] === undefined) === (label[4] === undefined))
    return { label: { thread: Number(label[2]), name: label[3] as string }, mapping: (label[1] ?? 'run') as CodeMapping };
  const address = /^&?([A-Za-z_]\w*)$/.exec(text);
  if (address === null)
    throw refuse(
      where,
      `'${text}' is no value`,
      'values are numbers, names of variables, labels P1:S, alias(P1:S) and user(P1:S), and instr:"..."',
    );
  return { address: address[1] as string };
}

function parseLocations(tokens: Tokens): Location[] {
  const out: Location[] = [];
  tokens.expect('[');
  while (!tokens.skip(']')) {
    out.push(tokens.location());
    tokens.skip(';');
  }
  return out;
}
