import { CORE } from '../../src/engine/layout.ts';
import { loadAssembler } from '../../src/image/assembler/index.ts';
import { Activity, RSP } from '../../src/isa/core-state.ts';
import { codeSegment, dataSegment, gate, tssDescriptor } from '../../src/kernel/descriptors.ts';
import { PageTables } from '../../src/kernel/page-tables.ts';
import type { Core } from '../../src/machine/core.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';

/**
 * What random sequences stand on: where everything lies, page tables, gates and the handlers of all exceptions. Linear addresses are physical ones unless said otherwise.
 */
export const RAM = 0x200000;
/** Pages of random text, one after the other. */
export const TEXT = 0x100000;
const TEXT_PAGES = 3;
export const TEXT_BYTES = TEXT_PAGES * 4096;
const HANDLERS = 0x103000;
/** For each byte of the text the length of the instruction that begins there, 0 where none does. */
export const LENGTHS = 0x104000;
export const DATA = 0x110000;
export const DATA_BYTES = 0x4000;
/** Behind the data: a page that is not there, one that is read only, one for the supervisor, one whose entry programs change. */
export const ABSENT = 0x114000;
export const READ_ONLY = 0x115000;
export const SUPERVISOR = 0x116000;
export const WINDOW = 0x118000;
/** What the window shows besides data. */
export const FRAME = 0x119000;
/** Words of the ground: where the next visit goes, where one that is lost ends, counters of the handlers. */
const SLOTS = 0x11a000;
/** Top of the stack of each core; each has an own page below it, and others for the supervisor and for exceptions. */
export const stackOf = (core: number): number => 0x130000 + core * 0x8000;
/** The same physical text and data at other linear addresses. */
export const ALIAS = 0x80000;
const TABLES = 0x150000;
/** The last level of the page tables, and of those that another CR3 selects. */
export const LEAVES = TABLES + 0x3000;
export const OTHER_ROOT = TABLES + 0x4000;
const GDT = 0x1f0000;
const IDT = 0x1f1000;
const TSS = 0x1f2000;

/** An interrupt that counts in memory and returns. */
export const INTERRUPT = 0x51;
export const SYSTEM_CALL = 0x61;

/** The words of a core in `SLOTS`. */
export const slotOf = (core: number, word: 'target' | 'lost' | 'entry' | 'counter' | 'steps'): number =>
  SLOTS + core * 64 + { target: 0, lost: 8, entry: 16, counter: 24, steps: 32 }[word];

/** The same from a handler that has the core's offset in RBX. */
const own = (word: Parameters<typeof slotOf>[1]): string => `0x${slotOf(0, word).toString(16)}(%rbx)`;

/**
 * Handlers. `skip` goes on behind the instruction that faulted, whose length is in the table, and where it is none of ours at the word `lost`: the end of its sequence.
 * Which core it is the task register says.
 */
const SOURCE = `
skip_x87: fnclex
  jmp skip
use_x87: clts
  iretq
skip_code: lea 8(%rsp), %rsp
skip: push %rax
  push %rcx
  push %rbx
  mov 24(%rsp), %rcx
  and $~0x${ALIAS.toString(16)}, %rcx
  sub $0x${TEXT.toString(16)}, %rcx
  cmp $0x${TEXT_BYTES.toString(16)}, %rcx
  jae 1f
  movzbl 0x${LENGTHS.toString(16)}(%rcx), %ecx
  jrcxz 1f
  add %rcx, 24(%rsp)
  jmp 2f
1: str %ecx
  lea -0x40(%rcx), %ebx
  shl $2, %ebx
  mov ${own('lost')}, %rcx
  mov %rcx, 24(%rsp)
2: pop %rbx
  pop %rcx
  pop %rax
  iretq
debug: push %rax
  push %rbx
  push %rcx
  str %ecx
  lea -0x40(%rcx), %ebx
  shl $2, %ebx
  mov %dr6, %rax
  xor %rax, ${own('counter')}
  mov $0xffff0ff0, %eax
  mov %rax, %dr6
  orl $0x10000, 40(%rsp)
  decq ${own('steps')}
  jns 1f
  andl $~0x100, 40(%rsp)
  xor %eax, %eax
  mov %rax, %dr7
1: pop %rcx
  pop %rbx
  pop %rax
  iretq
count: push %rbx
  push %rcx
  str %ecx
  lea -0x40(%rcx), %ebx
  shl $2, %ebx
  incq ${own('counter')}
  pop %rcx
  pop %rbx
  iretq
interrupt: push %rax
  push %rcx
  push %rdx
  mov $0x80b, %ecx
  xor %eax, %eax
  xor %edx, %edx
  wrmsr
  pop %rdx
  pop %rcx
  pop %rax
  jmp count
system_call: iretq
end: hlt
  jmp end
stop: hlt
  push %rbx
  str %ecx
  lea -0x40(%rcx), %ebx
  shl $2, %ebx
  mov ${own('entry')}, %rcx
  pop %rbx
  mov $0x202, %r11d
  sysretq
`;

/** Gates by vector; all others end the program. */
const GATES: Readonly<Record<number, string>> = {
  0: 'skip',
  1: 'debug',
  2: 'count',
  3: 'count',
  4: 'skip',
  5: 'skip',
  6: 'skip',
  7: 'use_x87',
  10: 'skip_code',
  11: 'skip_code',
  12: 'skip_code',
  13: 'skip_code',
  14: 'skip_code',
  16: 'skip_x87',
  17: 'skip_code',
  19: 'skip',
  [INTERRUPT]: 'interrupt',
  [SYSTEM_CALL]: 'system_call',
};

/** What machines differ in, beside their engine. */
export interface Setting {
  readonly journal: boolean;
  readonly cores: 1 | 2;
  readonly user: boolean;
}

interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const assembled = (await loadAssembler()).assemble(SOURCE, { address: BigInt(HANDLERS), file: 'handlers.s' });
export const handler = (name: string): number => Number(assembled.symbols.get(name)!);

/** The last instruction of a `hlt` that ends a visit, for the supervisor and for what a program calls. */
export const END = handler('end');

let ground: readonly Piece[] | undefined;

/** What is not zero before a program comes. */
function pieces(): readonly Piece[] {
  if (ground !== undefined) return ground;
  const pages = new Map<number, Uint8Array>();
  const page = (at: number): Uint8Array => {
    const number = at & ~4095;
    const made = pages.get(number) ?? new Uint8Array(4096);
    pages.set(number, made);
    return made;
  };
  const view = (at: number): DataView => new DataView(page(at).buffer);
  page(HANDLERS).set(assembled.bytes);
  for (let root = TABLES; root <= OTHER_ROOT; root += OTHER_ROOT - TABLES) {
    const tables = new PageTables(view, root, root + 0x4000);
    tables.table();
    for (let at = 0x1000; at < RAM; at += 4096) {
      const alias = at >= TEXT + ALIAS && at < TEXT + ALIAS + 0x20000;
      const physical = at === WINDOW ? (root === TABLES ? DATA : FRAME) : alias ? at - ALIAS : at;
      if (at === ABSENT) continue;
      const user = at !== SUPERVISOR && at < TABLES;
      const writable = at !== READ_ONLY;
      tables.map(root, BigInt(at), physical, { writable, executable: true, user: user || alias });
    }
    // Levels above the last are for all: a page says for itself who may.
    for (const level of [0, 0x1000, 0x2000]) {
      const table = view(root + level);
      table.setBigUint64(0, table.getBigUint64(0, true) | 4n, true);
    }
  }
  const words = [0n, 0n, codeSegment(0), dataSegment(0), codeSegment(3), dataSegment(3), codeSegment(3), 0n];
  for (let core = 0; core < 2; core++) words.push(...tssDescriptor(BigInt(TSS + core * 0x80), 0x67));
  words.forEach((w, i) => view(GDT).setBigUint64(i * 8, w, true));
  for (let core = 0; core < 2; core++) {
    const tss = view(TSS);
    tss.setBigUint64(core * 0x80 + 4, BigInt(stackOf(core) - 0x1000), true);
    tss.setBigUint64(core * 0x80 + 0x24, BigInt(stackOf(core) - 0x2000), true);
    tss.setBigUint64(core * 0x80 + 0x2c, BigInt(stackOf(core) - 0x3000), true);
  }
  for (let vector = 0; vector < 256; vector++) {
    // Exceptions have a stack of their own, since programs may lose theirs.
    const stack = vector === 8 ? 2 : vector < 32 ? 1 : 0;
    const target = BigInt(handler(GATES[vector] ?? 'end'));
    const dpl = vector === 3 || vector === SYSTEM_CALL ? 3 : 0;
    gate(target, { selector: 0x10, type: 'interrupt', ist: stack, dpl }).forEach((w, i) =>
      view(IDT).setBigUint64((vector * 16 + i * 8) & 4095, w, true),
    );
  }
  ground = [...pages].map(([at, bytes]) => ({ at, bytes }));
  return ground;
}

/** A machine on this ground, its cores halted before their first visit. */
export function machineOn(engine: EngineName, setting: Setting): Machine {
  const machine = new Machine({ cores: setting.cores, ramBytes: RAM, engine, journal: setting.journal });
  for (const { at, bytes } of pieces()) machine.peek(at, 4096).set(bytes);
  machine.cores.forEach((core, n) => begin(core, n, setting));
  return machine;
}

/** Gives a core the state that programs begin with, save the registers that they compute with. */
export function begin(core: Core, n: number, { user }: Setting): void {
  const state = {
    cr0: 0x80050033n,
    cr3: TABLES,
    cr4: 0x50620n,
    xcr0: 7,
    efer: 0xd01n,
    star: 0x0020001000000000n,
    lstar: handler('stop'),
    sfmask: 0x47700,
    cs: user ? 0x33 : 0x10,
    ss: user ? 0x2b : 0x18,
    cpl: user ? 3 : 0,
    gdtrBase: GDT,
    gdtrLimit: 12 * 8 - 1,
    idtrBase: IDT,
    idtrLimit: 0xfff,
    tr: 0x40 + n * 0x10,
    trBase: TSS + n * 0x80,
    trLimit: 0x67,
    apicBase: 0xfee00c00n | (n === 0 ? 0x100n : 0n),
    apicSvr: 0x1ff,
    rip: TEXT,
    ...{ cr8: 0, dr7: 0, ds: 0, es: 0, fs: 0, gs: 0, fsBase: 0x40, gsBase: 0x80, nmiBlocked: 0, interruptShadow: 0, singleStepPending: 0 },
    activity: Activity.running,
  } as const;
  for (const [word, value] of Object.entries(state)) core.set(word as keyof typeof state, value);
  core.setRawLong(CORE.homeCr3, BigInt(TABLES));
  core.rflags = 0x202;
  core.setGpr(RSP, BigInt(stackOf(n) - 16));
}
