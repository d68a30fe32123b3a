import { Activity, IF, RSP, Vector } from '../isa/core-state.ts';
import { identify } from '../isa/decode.ts';
import type { Core } from '../machine/core.ts';
import { walk } from '../machine/paging.ts';
import { hasFeature } from '../machine/system/features.ts';
import type { BareMachine } from './bare.ts';

/** An instruction that processors with some features have. `features` are those that CPUID does not report. */
export interface LackingInstruction {
  /** In hexadecimal. */
  readonly bytes: string;
  readonly name: string;
  readonly features: readonly string[];
}

/** An exception or interrupt that nobody handled. */
export interface BareTrap {
  /** `tripleFault`: a double fault could not be delivered, and the core shut down. */
  readonly kind: 'exception' | 'interrupt' | 'tripleFault';
  /** Of a triple fault: that of the exception which it began with, where one is known. */
  readonly vector: number;
  readonly errorCode: bigint | undefined;
  /** Where the core was: the faulting instruction, or behind the one that trapped. */
  readonly rip: bigint;
  /** Linear address of a #PF. */
  readonly cr2: bigint | undefined;
  /** The top word of its stack, where that is an address in code of the image: most likely who called. */
  readonly caller: bigint | undefined;
  /** Of a #UD: the instruction, where it belongs to features of processors that this machine does not have. */
  readonly lacking: LackingInstruction | undefined;
  /** Of a triple fault: what failed last. */
  readonly why: string | undefined;
}

/** Watches a machine: gives what ended each core, by its number, as it happens. A trap that a guest's own IDT takes is not one. */
export function watchTraps(bare: BareMachine): (BareTrap | undefined)[] {
  const traps: (BareTrap | undefined)[] = bare.machine.cores.map(() => undefined);
  bare.machine.observers.push((event) => {
    const core = bare.machine.cores[event.core] as Core;
    if (event.kind === 'shutdown') {
      traps[core.index] = {
        kind: 'tripleFault',
        vector: Vector.DF,
        errorCode: undefined,
        rip: bare.pc === undefined ? event.rip : core.linearRip,
        cr2: undefined,
        caller: undefined,
        lacking: undefined,
        why: event.why,
      };
      return;
    }
    if ((event.kind !== 'exception' && event.kind !== 'interrupt') || !bare.isUnhandled(core)) return;
    if (bare.pc !== undefined) {
      const rip = event.kind === 'exception' ? realFault(bare, core, event.vector) : undefined;
      if (rip === undefined) return;
      traps[core.index] = {
        ...NOTHING,
        kind: 'exception',
        vector: event.vector,
        rip,
        lacking: event.vector === Vector.UD ? lackingAt(bare, core, rip) : undefined,
      };
      end(core);
      return;
    }
    const stack = readLong(bare, core, event.frame + 24n);
    const top = stack === undefined ? undefined : readLong(bare, core, stack);
    traps[core.index] = {
      kind: event.kind,
      vector: event.vector,
      errorCode: event.kind === 'exception' ? event.errorCode : undefined,
      rip: event.rip,
      cr2: event.kind === 'exception' && event.vector === Vector.PF ? core.get('cr2') : undefined,
      caller: top !== undefined && bare.image.segmentAt(top)?.executable === true ? top : undefined,
      lacking: event.kind === 'exception' && event.vector === Vector.UD ? lackingAt(bare, core, event.rip) : undefined,
      why: undefined,
    };
    end(core);
  });
  return traps;
}

const NOTHING = { errorCode: undefined, cr2: undefined, caller: undefined, lacking: undefined, why: undefined } as const;

/** Nothing wakes it any more. */
function end(core: Core): void {
  core.setSmall('flagSystem', core.small('flagSystem') & ~IF);
  core.setSmall('activity', Activity.exited);
}

/** Exceptions that real mode's BIOS does nothing about, and that come again for ever: not #DB, #BP and #OF, which are traps. */
const REAL_FAULTS = new Set<number>([
  Vector.DE,
  Vector.UD,
  Vector.NM,
  Vector.DF,
  Vector.TS,
  Vector.NP,
  Vector.SS,
  Vector.GP,
  Vector.MF,
  Vector.AC,
]);
const INT = 0xcd;

/** Linear address of the instruction that an exception has just come from in real mode; undefined where it was INT n, which is a call. */
function realFault(bare: BareMachine, core: Core, vector: number): bigint | undefined {
  if (!REAL_FAULTS.has(vector)) return undefined;
  const stack = core.get('ssBase') + (core.gpr(RSP) & 0xffffn);
  const [ip, cs] = [readWord(bare, core, stack), readWord(bare, core, stack + 2n)];
  const rip = (cs << 4n) + ip;
  const [before, number] = readBytes(bare, core, rip - 2n, 2);
  return before === INT && number === vector ? undefined : rip;
}

function readWord(bare: BareMachine, core: Core, linear: bigint): bigint {
  const [low = 0, high = 0] = readBytes(bare, core, linear, 2);
  return BigInt(low | (high << 8));
}

function lackingAt(bare: BareMachine, core: Core, rip: bigint): LackingInstruction | undefined {
  const bytes = readBytes(bare, core, rip, 15);
  const found = identify(bytes);
  const features = found?.features.filter((name) => !hasFeature(name)) ?? [];
  if (found === undefined || features.length === 0) return undefined;
  const hex = Array.from(bytes.subarray(0, found.length), (byte) => byte.toString(16).padStart(2, '0'));
  return { bytes: hex.join(' '), name: found.name, features };
}

/** Up to `count` bytes from a linear address on, as far as the core maps them. */
function readBytes({ machine }: BareMachine, core: Core, linear: bigint, count: number): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < count) {
    const at = walk(machine, core, linear + BigInt(bytes.length), 'fetch', true);
    if (!('physical' in at)) break;
    bytes.push(Number(machine.readPhysical(at.physical, 1)));
  }
  return Uint8Array.from(bytes);
}

/** Eight bytes at a linear address as the core maps it; undefined where it maps nothing, or at the end of a page. */
function readLong({ machine }: BareMachine, core: Core, linear: bigint): bigint | undefined {
  if ((linear & 0xfffn) > 0xff8n) return undefined;
  const at = walk(machine, core, linear, 'read', true);
  return 'physical' in at ? machine.readPhysical(at.physical, 8) : undefined;
}
