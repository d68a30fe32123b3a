import { entryOf, type LitmusCode, type LitmusPlace, litmusCode, TEXT_BYTES } from '../../src/explore/litmus/code.ts';
import { type Observed, observedAt } from '../../src/explore/litmus/observed.ts';
import { shownLocations } from '../../src/explore/litmus/run.ts';
import { type LitmusTest, usesUserMode } from '../../src/explore/litmus/syntax.ts';
import type { Assembler } from '../../src/image/assembler/index.ts';

/** Where the test lies in the process, and where it may be written besides. */
const TEXT = 0x10000000n;
const ALIAS = 0x20000000n;

/** Where GS points is `struct record` of harness.c: the registers by their numbers, then the stack of who entered. */
const STACK = 0x80;

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', undefined, 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const REGISTERS = GENERAL.flatMap((name, n) => (name === undefined ? [] : [{ name, n }]));
const CALLEE_SAVED = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];
const SYSCALL_CHANGES = ['rax', 'rcx', 'r11', 'rdi', 'rsi', 'rdx'];
const push = (names: readonly string[]): string[] => names.map((r) => `pushq %${r}`);
const pop = (names: readonly string[]): string[] => [...names].reverse().map((r) => `popq %${r}`);

/** Numbers of Linux: the system call membarrier, and its command PRIVATE_EXPEDITED_SYNC_CORE. */
const SYS_MEMBARRIER = 324;
const SYNC_CORE = 32;

/** void enter(u64 entry): all registers zero, by IRETQ, which serializes. */
const ENTER = [
  'litmus_enter:',
  ...push(CALLEE_SAVED),
  `movq %rsp, %gs:${STACK}`,
  'movq %rsp, %rax',
  'movl %ss, %ecx',
  'pushq %rcx',
  'pushq %rax',
  'pushq $0x202',
  'movl %cs, %ecx',
  'pushq %rcx',
  'pushq %rdi',
  ...REGISTERS.map(({ name }) => `movq $0, %${name}`),
  'iretq',
];

/** The end of every thread: registers into the record, and back to who called `litmus_enter`. */
const EXIT = [
  'litmus_exit:',
  ...REGISTERS.map(({ name, n }) => `movq %${name}, %gs:${8 * n}`),
  `movq %gs:${STACK}, %rsp`,
  'cld',
  ...pop(CALLEE_SAVED),
  'ret',
];

/** SYNC as a process does it. */
const SYNC = [
  'litmus_sync:',
  ...push(SYSCALL_CHANGES),
  `movl $${SYS_MEMBARRIER}, %eax`,
  `movl $${SYNC_CORE}, %edi`,
  'xorl %esi, %esi',
  'xorl %edx, %edx',
  'syscall',
  ...pop(SYSCALL_CHANGES),
  'ret',
];

const PLACE: LitmusPlace = {
  text: TEXT,
  deltas: { run: 0n, alias: ALIAS - TEXT, user: 0n },
  end: 'jmp litmus_exit',
  runtime: [...ENTER, ...EXIT, ...SYNC].join('\n'),
};

/** What the machine that the harness runs on can do. */
export interface Host {
  /** Cores that this process may use. */
  readonly cores: readonly number[];
  /** The SERIALIZE instruction. */
  readonly serialize: boolean;
  /** membarrier() with SYNC_CORE. */
  readonly sync: boolean;
}

/** Instructions that a process may not execute, by name or operand. */
const PRIVILEGED = /\b(wrmsr|rdmsr|invlpg|wbinvd|invd|sysretq?|sysexitq?|hlt|cli|sti|lgdt|lidt|ltr)\b|%(cr\d|dr\d)\b/;

/** Why a process on this host cannot run a test; undefined when it can. */
export function whyNotOn(test: LitmusTest, host: Host): string | undefined {
  const cells = [...test.threads, ...test.handlers.map((h) => h.cells)].flat();
  const found = cells.map((cell) => PRIVILEGED.exec(cell)).find((m) => m !== null);
  if (found !== undefined) return `${found[1] ?? `MOV to or from ${found[2]?.toUpperCase()}`} needs CPL 0`;
  if (test.handlers.some((h) => h.kind !== 'fault')) return 'a process takes no interrupts';
  if (usesUserMode(test)) return 'it begins at CPL 0';
  if (test.threads.length > host.cores.length) return `${test.threads.length} threads and ${host.cores.length} cores`;
  if (!host.serialize && cells.some((cell) => /\bserialize\b/.test(cell))) return 'this CPU has no SERIALIZE';
  if (!host.sync && cells.some((cell) => /\bSYNC\b/.test(cell))) return 'no membarrier() with SYNC_CORE';
  return undefined;
}

/** A test as the harness reads it, and what the numbers are that it prints for each state. */
export interface HostProgram {
  readonly input: string;
  readonly watched: readonly Observed[];
}

/** Makes the harness's input of a test: the machine code is the one that the emulated cores run, at other addresses. */
export function hostProgram(
  test: LitmusTest,
  assembler: Assembler,
  options: { readonly host: Host; readonly seconds: number },
): HostProgram {
  const code = litmusCode(test, PLACE, assembler);
  const at = (name: string): bigint => code.symbols.get(name) as bigint;
  const watched = shownLocations(test).map((l) => observedAt(test, code.variables, at, l));
  const lines = [
    `seconds ${options.seconds}`,
    ...(writesWhereItRuns(test) ? ['writable'] : []),
    `code ${hex(code.text)} ${hex(ALIAS)} ${TEXT_BYTES} ${bytes(code.bytes)}`,
    `data ${hex(code.data)} ${bytes(code.initial)}`,
    `enter ${hex(at('litmus_enter'))}`,
    ...test.threads.map((_, n) => `thread ${options.host.cores[n]} ${hex(at(`P${n}`))} ${hex(at(entryOf(test, n, 'fault')))}`),
    ...watched.map(watchLine),
  ];
  return { input: `${lines.join('\n')}\n`, watched };
}

/** Whether the test may store through the addresses at which it runs: only then is there a mapping that is both writable and executable. */
function writesWhereItRuns(test: LitmusTest): boolean {
  const cells = [...test.threads.flat(), ...test.handlers.flatMap((h) => h.cells)];
  return cells.some((cell) => /,\s*\d*\(\s*P\d+:\w+\s*\)\s*$/.test(cell));
}

function watchLine(observed: Observed): string {
  switch (observed.kind) {
    case 'register':
      return `watch R ${hex(BigInt(observed.thread))} ${hex(BigInt(observed.number))}`;
    case 'memory':
      return `watch V ${hex(observed.address)} ${hex(BigInt(observed.bits / 8))}`;
    case 'fault':
      return `watch F ${hex(BigInt(observed.thread))} ${hex(BigInt(observed.vectors >>> 0))}`;
  }
}

const hex = (n: bigint): string => n.toString(16);
const bytes = (all: LitmusCode['bytes']): string => `${all.length} ${[...all].map((b) => b.toString(16).padStart(2, '0')).join('')}`;
