import { RSP } from '../../src/isa/core-state.ts';
import { SEGMENTS } from '../../src/isa/segments.ts';
import type { Core } from '../../src/machine/core.ts';
import { readDescriptor } from '../../src/machine/descriptors.ts';
import { type EngineName, Machine } from '../../src/machine/machine.ts';
import type { MachineEvent } from '../../src/machine/parts.ts';
import { setSegment, updateMode } from '../../src/machine/segmentation.ts';
import { startInProtectedMode, startInRealMode } from '../../src/machine/start-state.ts';

/** Where things lie. */
export const AT = {
  code: 0x1000,
  gdt: 0x2000,
  idt: 0x3000,
  tss: 0x4000,
  handler: 0x5000,
  stack: 0x8000,
  innerStack: 0x9000,
  data: 0xa000,
} as const;

/** Selectors of the table that `protectedMachine` makes. Those of level 3 have it in their low bits. */
export const SELECTOR = {
  code: 0x08,
  data: 0x10,
  userCode: 0x1b,
  userData: 0x23,
  tss: 0x28,
  code16: 0x30,
  data16: 0x38,
  small: 0x40,
  expandDown: 0x48,
  absent: 0x50,
  executeOnly: 0x58,
  callGate: 0x60,
  code64: 0x68,
} as const;

/** A descriptor: limit in its granularity, access byte, flags (G, D/B, L, AVL). */
const descriptor = (base: number, limit: number, access: number, flags: number): bigint =>
  BigInt(limit & 0xffff) |
  (BigInt(base & 0xffffff) << 16n) |
  (BigInt(access) << 40n) |
  (BigInt(limit >>> 16) << 48n) |
  (BigInt(flags) << 52n) |
  (BigInt(base >>> 24) << 56n);

const GDT = [
  0n,
  descriptor(0, 0xfffff, 0x9a, 0xc),
  descriptor(0, 0xfffff, 0x92, 0xc),
  descriptor(0, 0xfffff, 0xfa, 0xc),
  descriptor(0, 0xfffff, 0xf2, 0xc),
  descriptor(AT.tss, 0x67, 0x8b, 0),
  descriptor(0, 0xffff, 0x9a, 0),
  descriptor(0, 0xffff, 0x92, 0),
  descriptor(AT.data, 0xff, 0x92, 4),
  descriptor(AT.data, 0xff, 0x96, 4),
  descriptor(0, 0xfffff, 0x12, 0xc),
  descriptor(0, 0xfffff, 0x98, 0xc),
  descriptor(0, 0, 0x8c, 0),
  descriptor(0, 0xfffff, 0x9a, 0xa),
];

/** What the guest saw of exceptions: vector and error code. */
export type Seen = (readonly [number, number | undefined])[];

export interface Guest {
  readonly machine: Machine;
  readonly core: Core;
  readonly seen: Seen;
  /** Bytes of hexadecimal digits at a physical address. */
  put(at: number, hex: string): void;
  /** A little-endian word of memory. */
  word(at: number, bytes: number): number;
  /** Runs instructions one by one. */
  run(instructions: number): void;
}

function guest(engine: EngineName): Guest {
  const machine = new Machine({ cores: 1, ramBytes: 1 << 20, engine });
  const core = machine.cores[0]!;
  const seen: Seen = [];
  machine.engine.touch(0, 1 << 20);
  machine.observers.push((event: MachineEvent) => {
    if (event.kind === 'exception') seen.push([event.vector, event.errorCode === undefined ? undefined : Number(event.errorCode)]);
  });
  return {
    machine,
    core,
    seen,
    put: (at, hex) =>
      machine.engine.bytes.set(
        hex.split(' ').map((b) => Number.parseInt(b, 16)),
        machine.engine.map.ram + at,
      ),
    word: (at, bytes) => Number(machine.readPhysical(at, bytes)),
    run: (instructions) => {
      for (let n = 0; n < instructions; n++) machine.runCore(core, 1);
    },
  };
}

/** An interrupt or trap gate of protected mode. */
export const gate = (selector: number, offset: number, access = 0x8e): bigint =>
  BigInt(offset & 0xffff) | (BigInt(selector) << 16n) | (BigInt(access) << 40n) | (BigInt(offset >>> 16) << 48n);

/** 32-bit code at level `cpl` with the tables above; each vector of the first 64 has an interrupt gate to `AT.handler`, those from 32 on may be called from level 3. */
export function protectedMachine(engine: EngineName, code: string, cpl: 0 | 3 = 0): Guest {
  const made = guest(engine);
  const { machine, core } = made;
  GDT.forEach((entry, n) => machine.writePhysical(AT.gdt + 8 * n, 8, entry));
  for (let vector = 0; vector < 64; vector++)
    machine.writePhysical(AT.idt + 8 * vector, 8, gate(SELECTOR.code, AT.handler, vector < 32 ? 0x8e : 0xee));
  machine.writePhysical(AT.tss + 4, 8, BigInt(AT.innerStack) | (BigInt(SELECTOR.data) << 32n));
  startInProtectedMode(machine, core, AT.code);
  core.set('gdtrBase', BigInt(AT.gdt));
  core.set('gdtrLimit', BigInt(8 * GDT.length - 1));
  core.set('idtrBase', BigInt(AT.idt));
  core.set('idtrLimit', 0x1ffn);
  core.setSmall('tr', SELECTOR.tss);
  core.set('trBase', BigInt(AT.tss));
  core.set('trLimit', 0x67n);
  for (let number = 0; number < 6; number++) {
    const selector =
      SEGMENTS[number]!.selector === 'cs' ? (cpl === 0 ? SELECTOR.code : SELECTOR.userCode) : cpl === 0 ? SELECTOR.data : SELECTOR.userData;
    setSegment(core, number, selector, readDescriptor(machine, core, selector)!.hidden);
  }
  core.setSmall('cpl', cpl);
  updateMode(machine, core);
  core.setGpr(RSP, BigInt(AT.stack));
  made.put(AT.code, code);
  return made;
}

/** Real mode at 0000:1000, with vectors that lead to 0000:5000. */
export function realMachine(engine: EngineName, code: string): Guest {
  const made = guest(engine);
  const { machine, core } = made;
  for (let vector = 0; vector < 256; vector++) machine.writePhysical(4 * vector, 4, BigInt(AT.handler));
  startInRealMode(machine, core, 0, AT.code);
  core.setGpr(RSP, BigInt(AT.stack));
  made.put(AT.code, code);
  return made;
}
