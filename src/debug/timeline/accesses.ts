import { Decoder, type Instruction as Iced, InstructionInfoFactory, MemorySizeExt, OpAccess, Register, type UsedMemory } from 'iced-x86';
import { SEGMENTS } from '../../isa/segments.ts';
import type { Core } from '../../machine/core.ts';
import { readLinear } from '../../machine/look.ts';
import type { Machine } from '../../machine/machine.ts';

interface Access {
  readonly address: bigint;
  readonly size: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

const READS = new Set([OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
const WRITES = new Set([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);

/** Which data the next instruction of each core is going to touch: known before it runs, while its registers are what they are. */
export class Accesses {
  readonly #machine: Machine;
  readonly #next = new Map<number, readonly Access[]>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  forget(core: Core): void {
    this.#next.delete(core.index);
  }

  /** The core is about to execute what is at its RIP. */
  expect(core: Core): void {
    const bytes = readLinear(this.#machine, core, core.linearRip, 15, 'memory');
    const decoder = new Decoder(core.codeSize, bytes, 0);
    decoder.ip = core.rip;
    const instruction = decoder.decode();
    this.#next.set(core.index, instruction.isInvalid ? [] : accessesOf(instruction, core));
    instruction.free();
    decoder.free();
  }

  /** Whether the instruction that the core has just executed touched these bytes. */
  touched(core: Core, { address, size, kind }: { readonly address: bigint; readonly size: number; readonly kind: string }): boolean {
    const next = this.#next.get(core.index) ?? [];
    return next.some(
      (a) =>
        (kind === 'read' ? a.reads : kind === 'write' ? a.writes : true) &&
        a.address < address + BigInt(size) &&
        address < a.address + BigInt(a.size),
    );
  }
}

function accessesOf(instruction: Iced, core: Core): Access[] {
  const factory = new InstructionInfoFactory();
  const info = factory.info(instruction);
  const out = info.usedMemory().flatMap((memory) => {
    const reads = READS.has(memory.access);
    const writes = WRITES.has(memory.access);
    if (!reads && !writes) return [];
    const base = registerOf(memory.base, core);
    const index = registerOf(memory.index, core);
    const offset = base + index * BigInt(memory.scale) + memory.displacement;
    const address = core.mode === 0 ? BigInt.asUintN(64, flatBase(memory.segment, core) + offset) : segmented(memory, core, offset);
    return [{ address, size: Math.max(1, MemorySizeExt.size(memory.memorySize)), reads, writes }];
  });
  info.free();
  factory.free();
  return out;
}

/** Segment bases that count in 64-bit mode. */
const flatBase = (segment: Register, core: Core): bigint =>
  segment === Register.GS ? core.get('gsBase') : segment === Register.FS ? core.get('fsBase') : 0n;

/** The linear address of an offset of 16- or 32-bit code. */
function segmented({ base, index, segment }: UsedMemory, core: Core, offset: bigint): bigint {
  const isWord = [base, index].some((r) => r >= Register.AX && r <= Register.DI) || (base === Register.None && core.codeSize === 16);
  const words = SEGMENTS[segment - Register.ES];
  return BigInt.asUintN(32, (words === undefined ? 0n : core.get(words.base)) + BigInt.asUintN(isWord ? 16 : 32, offset));
}

function registerOf(register: Register, core: Core): bigint {
  if (register === Register.None) return 0n;
  // iced has made the displacement of a RIP-relative operand absolute.
  if (register === Register.RIP || register === Register.EIP) return 0n;
  if (register >= Register.RAX && register <= Register.R15) return core.gpr(register - Register.RAX);
  if (register >= Register.EAX && register <= Register.R15D) return core.gpr(register - Register.EAX) & 0xffffffffn;
  if (register >= Register.AX && register <= Register.R15W) return core.gpr(register - Register.AX) & 0xffffn;
  return 0n;
}
