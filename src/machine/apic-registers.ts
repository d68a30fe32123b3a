import { Vector } from '../isa/core-state.ts';
import { decodeIcr, logicalId, sendIpi } from './apic-ipi.ts';
import {
  highestVector,
  IN_SERVICE,
  LVT_MASKED,
  processorPriority,
  REQUESTED,
  SVR_ENABLED,
  setVector,
  softwareEnabled,
  startTimer,
  TIMER_MODE,
  taskPriority,
  timerCount,
  timerMode,
  type VectorSet,
  x2apicOn,
} from './apic-state.ts';
import { type Core, GuestFault } from './core.ts';
import type { MachineParts } from './parts.ts';

/** The x2APIC registers as MSRs (SDM Vol. 3, "x2APIC Register Address Space"). */
export const X2APIC_FIRST = 0x800;
export const X2APIC_LAST = 0x8ff;

const REGISTER = {
  id: 0x802,
  version: 0x803,
  tpr: 0x808,
  ppr: 0x80a,
  eoi: 0x80b,
  ldr: 0x80d,
  svr: 0x80f,
  isr: 0x810,
  tmr: 0x818,
  irr: 0x820,
  esr: 0x828,
  icr: 0x830,
  lvtTimer: 0x832,
  lvtLint0: 0x835,
  lvtLint1: 0x836,
  lvtError: 0x837,
  timerInitial: 0x838,
  timerCurrent: 0x839,
  timerDivide: 0x83e,
  selfIpi: 0x83f,
} as const;

/** Integrated APIC, four LVT entries: timer, LINT0, LINT1, error. */
const VERSION = 0x14n | (3n << 16n);
/** Bits that the guest may set: vector, mask and timer mode; vector, delivery mode, polarity, trigger mode and mask; vector and mask. */
const LVT_BITS = { timer: 0x700ffn, lint: 0x1a7ffn, error: 0x100ffn } as const;
/** Vector, delivery mode, destination mode, level, trigger mode, shorthand, destination. */
const ICR_BITS = 0xffffffff000ccfffn;

/** What a write does; `visible` when other cores can notice. */
export interface ApicMsrEffect {
  readonly visible: boolean;
  readonly apply: () => void;
}

const window = (core: Core, set: VectorSet, n: number): bigint => (core.get(set[n >> 1]!) >> BigInt((n & 1) * 32)) & 0xffffffffn;
const inRow = (msr: number, first: number): boolean => msr >= first && msr < first + 8;

/** Reads a register. #GP(0) outside x2APIC mode, and for registers that do not exist or cannot be read. */
export function readApicMsr(machine: MachineParts, core: Core, msr: number): bigint {
  if (!x2apicOn(core)) throw new GuestFault(Vector.GP);
  if (inRow(msr, REGISTER.isr)) return window(core, IN_SERVICE, msr - REGISTER.isr);
  if (inRow(msr, REGISTER.tmr)) return 0n;
  if (inRow(msr, REGISTER.irr)) return window(core, REQUESTED, msr - REGISTER.irr);
  switch (msr) {
    case REGISTER.id:
      return BigInt(core.index);
    case REGISTER.version:
      return VERSION;
    case REGISTER.tpr:
      return BigInt(taskPriority(core));
    case REGISTER.ppr:
      return BigInt(processorPriority(core));
    case REGISTER.ldr:
      return BigInt(logicalId(core.index));
    case REGISTER.svr:
      return core.get('apicSvr');
    case REGISTER.esr:
      return core.get('apicEsr') & 0xffffffffn;
    case REGISTER.icr:
      return core.get('apicIcr');
    case REGISTER.lvtTimer:
      return core.get('apicTimerLvt');
    case REGISTER.lvtLint0:
      return core.get('apicLint0');
    case REGISTER.lvtLint1:
      return core.get('apicLint1');
    case REGISTER.lvtError:
      return core.get('apicEsr') >> 32n;
    case REGISTER.timerInitial:
      return core.get('apicTimerInitial');
    case REGISTER.timerCurrent:
      return timerCount(machine, core);
    case REGISTER.timerDivide:
      return core.get('apicTimerDivide');
    default:
      throw new GuestFault(Vector.GP);
  }
}

/** Checks a write and returns what does it. #GP(0) outside x2APIC mode, for reserved bits, and for registers that cannot be written. */
export function writeApicMsr(machine: MachineParts, core: Core, msr: number, value: bigint): ApicMsrEffect {
  if (!x2apicOn(core)) throw new GuestFault(Vector.GP);
  const local = (allowed: bigint, apply: () => void): ApicMsrEffect => {
    if ((value & ~allowed) !== 0n) throw new GuestFault(Vector.GP);
    return { visible: false, apply };
  };
  switch (msr) {
    case REGISTER.tpr:
      return local(0xffn, () => core.set('cr8', (value >> 4n) | ((value & 0xfn) << 4n)));
    case REGISTER.eoi:
      return local(0n, () => endOfInterrupt(core));
    case REGISTER.svr:
      return local(0x11ffn, () => writeSvr(core, value));
    case REGISTER.esr:
      return local(0n, () => core.set('apicEsr', core.get('apicEsr') & ~0xffffffffn));
    case REGISTER.lvtTimer:
      return local(LVT_BITS.timer, () => writeTimerLvt(core, value));
    case REGISTER.lvtLint0:
      return local(LVT_BITS.lint, () => core.set('apicLint0', maskedIfDisabled(core, value)));
    case REGISTER.lvtLint1:
      return local(LVT_BITS.lint, () => core.set('apicLint1', maskedIfDisabled(core, value)));
    case REGISTER.lvtError:
      return local(LVT_BITS.error, () => core.set('apicEsr', (core.get('apicEsr') & 0xffffffffn) | (maskedIfDisabled(core, value) << 32n)));
    case REGISTER.timerInitial:
      return local(0xffffffffn, () => startTimer(machine, core, value));
    case REGISTER.timerDivide:
      return local(0xbn, () => core.set('apicTimerDivide', value));
    case REGISTER.selfIpi: {
      local(0xffn, () => {});
      return { visible: true, apply: () => sendIpi(machine, core, { vector: Number(value), shorthand: 'self' }) };
    }
    case REGISTER.icr: {
      local(ICR_BITS, () => {});
      return {
        visible: true,
        apply: () => {
          core.set('apicIcr', value);
          const ipi = decodeIcr(value);
          if (ipi !== undefined) sendIpi(machine, core, ipi);
        },
      };
    }
    default:
      throw new GuestFault(Vector.GP);
  }
}

/** EOI ends the interrupt of the highest priority in service. */
export function endOfInterrupt(core: Core): void {
  const vector = highestVector(core, IN_SERVICE);
  if (vector >= 0) setVector(core, IN_SERVICE, vector, false);
}

/** While software has the APIC disabled, LVT entries stay masked (SDM Vol. 3, "Local APIC State After It Has Been Software Disabled"). */
const maskedIfDisabled = (core: Core, value: bigint): bigint => (softwareEnabled(core) ? value : value | BigInt(LVT_MASKED));

function writeSvr(core: Core, value: bigint): void {
  core.set('apicSvr', value);
  if ((value & BigInt(SVR_ENABLED)) !== 0n) return;
  for (const word of ['apicTimerLvt', 'apicLint0', 'apicLint1'] as const) core.setSmall(word, core.small(word) | LVT_MASKED);
  core.set('apicEsr', core.get('apicEsr') | (BigInt(LVT_MASKED) << 32n));
}

/** Going to or from the TSC-deadline mode disarms the timer. */
function writeTimerLvt(core: Core, value: bigint): void {
  const [from, to] = [timerMode(core.small('apicTimerLvt')), timerMode(Number(value))];
  if ((from === TIMER_MODE.deadline) !== (to === TIMER_MODE.deadline)) core.set('apicTimerDeadline', 0n);
  core.set('apicTimerLvt', maskedIfDisabled(core, value));
}
