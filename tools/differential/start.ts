import { CORE } from '../../src/engine/layout.ts';
import { RSP, Vector } from '../../src/isa/core-state.ts';
import { codeSegment, dataSegment, gate, tssDescriptor } from '../../src/kernel/descriptors.ts';
import { PageTables } from '../../src/kernel/page-tables.ts';
import type { Core } from '../../src/machine/core.ts';
import type { Machine } from '../../src/machine/machine.ts';

/** Physical addresses in a machine that runs a random program: its code, the top of its stack, and what a processor needs. */
export interface ProgramLayout {
  readonly text: number;
  readonly stack: number;
  /** Page tables; the GDT behind them. */
  readonly tables: number;
  readonly gdt: number;
  readonly idt: number;
  readonly tss: number;
}

/** Where a random program goes on behind a fault, by vector. */
export const SKIPPING: Readonly<Record<number, string>> = {
  [Vector.DE]: 'skip',
  [Vector.UD]: 'skip',
  [Vector.NM]: 'skip',
  [Vector.SS]: 'skip_code',
  [Vector.GP]: 'skip_code',
  [Vector.PF]: 'skip_code',
  [Vector.MF]: 'skip_x87',
  [Vector.AC]: 'skip_code',
  [Vector.XM]: 'skip',
};

/** Segments of both privileges, and the task state. */
const descriptors = ({ tss }: ProgramLayout): readonly bigint[] => [
  0n,
  0n,
  codeSegment(0),
  dataSegment(0),
  codeSegment(3),
  dataSegment(3),
  codeSegment(3),
  0n,
  ...tssDescriptor(BigInt(tss), 0x67),
];

/** Puts a program's code, the GDT, and an IDT with a gate to `handler` of each vector into a machine. Gives what makes its page tables. */
export function prepare(machine: Machine, layout: ProgramLayout, bytes: Uint8Array, handler: (vector: number) => number): PageTables {
  const view = (at: number): DataView => {
    const page = machine.peek(at, 4096);
    return new DataView(page.buffer, page.byteOffset, 4096);
  };
  machine.peek(layout.text, bytes.length).set(bytes);
  descriptors(layout).forEach((w, i) => view(layout.gdt).setBigUint64(i * 8, w, true));
  for (let vector = 0; vector < 256; vector++)
    gate(BigInt(handler(vector)), { selector: 0x10, type: 'interrupt', ist: 0, dpl: 0 }).forEach((w, i) =>
      view(layout.idt).setBigUint64(vector * 16 + i * 8, w, true),
    );
  return new PageTables(view, layout.tables, layout.gdt);
}

/** Puts a core at the start of the program: in 64-bit mode at CPL 0, with all features on and numbers of its own in its registers. */
export function startCore(core: Core, layout: ProgramLayout, root: number): void {
  const state = {
    cr0: 0x80050033n,
    cr3: root,
    cr4: 0x40620n,
    xcr0: 7,
    efer: 0xd01n,
    cs: 0x10,
    ss: 0x18,
    gdtrBase: layout.gdt,
    gdtrLimit: descriptors(layout).length * 8 - 1,
    idtrBase: layout.idt,
    idtrLimit: 0xfff,
    tr: 0x40,
    trBase: layout.tss,
    trLimit: 0x67,
    apicBase: 0xfee00d00n,
    apicSvr: 0x1ff,
    rip: layout.text,
  } as const;
  for (const [word, value] of Object.entries(state)) core.set(word as keyof typeof state, value);
  core.setRawLong(CORE.homeCr3, BigInt(root));
  core.rflags = 0x202;
  for (let n = 0; n < 16; n++) core.setGpr(n, BigInt.asUintN(64, BigInt(n + 1 + core.index) * 0x123456789abcdefn));
  core.setGpr(RSP, BigInt(layout.stack));
}
