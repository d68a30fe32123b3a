import { Decoder, type Instruction as Iced, InstructionInfoFactory, MemorySizeExt, OpAccess, Register, type UsedMemory } from 'iced-x86';
import { SEGMENTS } from '../../isa/segments.ts';
import type { Core } from '../../machine/core.ts';
import type { Machine } from '../../machine/machine.ts';
import { WatchedBytes } from './watched-bytes.ts';

interface Access {
  readonly address: bigint;
  readonly size: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** The longest instruction, in bytes (SDM Vol. 2, "Instruction Format"). */
const MAX_LENGTH = 15;
const READS = new Set([OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);
const WRITES = new Set([OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite]);

/** An operand in memory. Registers are iced's. */
interface Operand
  extends Pick<Access, 'size' | 'reads' | 'writes'>,
    Pick<UsedMemory, 'segment' | 'base' | 'index' | 'scale' | 'displacement'> {}

/** An instruction at some address, as long as its bytes are those. */
interface Known {
  readonly code: WatchedBytes;
  readonly codeSize: number;
  readonly rip: bigint;
  readonly operands: readonly Operand[];
}

/** Instructions of a core that are kept. */
const MOST_KNOWN = 4096;

/** Which data the next instruction of each core is going to touch: known before it runs, while its registers are what they are. */
export class Accesses {
  readonly #machine: Machine;
  readonly #next = new Map<number, readonly Access[]>();
  /** By their linear addresses, of each core. */
  readonly #known = new Map<number, Map<bigint, Known>>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  forget(core: Core): void {
    this.#next.delete(core.index);
  }

  /** The core is about to execute what is at its RIP. */
  expect(core: Core): void {
    this.#next.set(
      core.index,
      this.#operands(core).map((operand) => ({ ...operand, address: addressOf(operand, core) })),
    );
  }

  #operands(core: Core): readonly Operand[] {
    const { linearRip, rip, codeSize } = core;
    const of = this.#known.get(core.index) ?? new Map<bigint, Known>();
    this.#known.set(core.index, of);
    const known = of.get(linearRip);
    if (known?.codeSize === codeSize && known.rip === rip && !known.code.changed()) return known.operands;
    const code = new WatchedBytes(this.#machine, core, linearRip, MAX_LENGTH, 'memory');
    const decoder = new Decoder(codeSize, code.bytes, 0);
    decoder.ip = rip;
    const instruction = decoder.decode();
    const operands = instruction.isInvalid ? [] : operandsOf(instruction);
    instruction.free();
    decoder.free();
    if (of.size >= MOST_KNOWN) of.clear();
    of.set(linearRip, { code, codeSize, rip, operands });
    return operands;
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

function operandsOf(instruction: Iced): Operand[] {
  const factory = new InstructionInfoFactory();
  const info = factory.info(instruction);
  const out = info.usedMemory().flatMap((memory) => {
    const reads = READS.has(memory.access);
    const writes = WRITES.has(memory.access);
    const { segment, base, index, scale, displacement } = memory;
    const size = Math.max(1, MemorySizeExt.size(memory.memorySize));
    memory.free();
    return reads || writes ? [{ size, reads, writes, segment, base, index, scale, displacement }] : [];
  });
  info.free();
  factory.free();
  return out;
}

function addressOf(operand: Operand, core: Core): bigint {
  const index = operand.index === Register.None ? 0n : registerOf(operand.index, core) * BigInt(operand.scale);
  const offset = registerOf(operand.base, core) + index + operand.displacement;
  return core.mode === 0 ? BigInt.asUintN(64, flatBase(operand.segment, core) + offset) : segmented(operand, core, offset);
}

/** Segment bases that count in 64-bit mode. */
const flatBase = (segment: Register, core: Core): bigint =>
  segment === Register.GS ? core.get('gsBase') : segment === Register.FS ? core.get('fsBase') : 0n;

/** The linear address of an offset of 16- or 32-bit code. */
function segmented({ base, index, segment }: Operand, core: Core, offset: bigint): bigint {
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
