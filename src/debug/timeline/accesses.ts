import { Decoder, type Instruction as Iced, InstructionInfoFactory, MemorySizeExt, OpAccess, Register } from 'iced-x86';
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
    const bytes = readLinear(this.#machine, core, core.rip, 15, 'memory');
    const decoder = new Decoder(64, bytes, 0);
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
    const segment = memory.segment === Register.GS ? core.get('gsBase') : memory.segment === Register.FS ? core.get('fsBase') : 0n;
    const address = BigInt.asUintN(64, segment + base + index * BigInt(memory.scale) + memory.displacement);
    return [{ address, size: Math.max(1, MemorySizeExt.size(memory.memorySize)), reads, writes }];
  });
  info.free();
  factory.free();
  return out;
}

function registerOf(register: Register, core: Core): bigint {
  if (register === Register.None) return 0n;
  // iced has made the displacement of a RIP-relative operand absolute.
  if (register === Register.RIP || register === Register.EIP) return 0n;
  if (register >= Register.RAX && register <= Register.R15) return core.gpr(register - Register.RAX);
  if (register >= Register.EAX && register <= Register.R15D) return core.gpr(register - Register.EAX) & 0xffffffffn;
  return 0n;
}
