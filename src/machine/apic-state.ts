import { type StateWord, Vector } from '../isa/core-state.ts';
import { type Core, GuestFault } from './core.ts';
import type { MachineParts } from './parts.ts';

/**
 * The local APIC of a core in x2APIC mode (SDM Vol. 3, "Advanced Programmable Interrupt Controller"): its state and its timer. The registers are
 * * in `apic-registers.ts`, sending in `apic-ipi.ts`, taking in `interrupts.ts`. There is no I/O APIC: all interrupts are edge-triggered.
 *
 * All state is in the core's words. `apicEsr` has the error status in its low half and the LVT error entry in its high half; `cr8` has CR8 in
 * bits 3:0 and the low half of the task-priority register in bits 7:4. `apicTimerDeadline` is the tick at which the timer fires next, in every mode,
 * 0 when it is off.
 */
const APIC_BASE = { bootstrap: 1n << 8n, x2apic: 1n << 10n, enabled: 1n << 11n, address: 0xfee00000n } as const;
const APIC_BASE_DEFINED = 0xfffffff000n | APIC_BASE.bootstrap | APIC_BASE.x2apic | APIC_BASE.enabled;

export const LVT_MASKED = 1 << 16;
export const SVR_ENABLED = 1 << 8;
/** Timer mode in bits 18:17 of its LVT entry. */
export const TIMER_MODE = { oneShot: 0, periodic: 1, deadline: 2 } as const;
export const timerMode = (lvt: number): number => (lvt >>> 17) & 3;

/** The APIC as it is after power-up, then switched to x2APIC mode and enabled with spurious vector 255. Core 0 is the bootstrap processor. */
export function initApic(core: Core): void {
  core.set('apicBase', APIC_BASE.address | APIC_BASE.enabled | APIC_BASE.x2apic | (core.index === 0 ? APIC_BASE.bootstrap : 0n));
  resetApic(core);
  core.setSmall('apicSvr', SVR_ENABLED | 0xff);
}

/** Registers as INIT leaves them (SDM Vol. 3, "Local APIC State After It Receives an INIT-Deassert IPI" and "After Power-Up or Reset"). */
export function resetApic(core: Core): void {
  for (const word of ['apicIcr', 'apicTimerInitial', 'apicTimerDivide', 'apicTimerDeadline', 'cr8', ...IRR, ...ISR] as const)
    core.set(word, 0n);
  core.set('apicEsr', BigInt(LVT_MASKED) << 32n);
  for (const word of ['apicTimerLvt', 'apicLint0', 'apicLint1'] as const) core.setSmall(word, LVT_MASKED);
  core.setSmall('apicSvr', 0xff);
}

export const x2apicOn = (core: Core): boolean =>
  (core.get('apicBase') & (APIC_BASE.x2apic | APIC_BASE.enabled)) === (APIC_BASE.x2apic | APIC_BASE.enabled);
export const softwareEnabled = (core: Core): boolean => (core.small('apicSvr') & SVR_ENABLED) !== 0;

/** Checks a write to IA32_APIC_BASE (SDM Vol. 3, "x2APIC State Transitions"). Leaving x2APIC mode goes through disabled. */
export function writeApicBase(core: Core, value: bigint): () => void {
  const mode = (base: bigint): bigint => base & (APIC_BASE.x2apic | APIC_BASE.enabled);
  const [from, to] = [mode(core.get('apicBase')), mode(value)];
  const both = APIC_BASE.x2apic | APIC_BASE.enabled;
  const invalid = to === APIC_BASE.x2apic || (from === both && to === APIC_BASE.enabled) || (from === 0n && to === both);
  if ((value & ~APIC_BASE_DEFINED) !== 0n || invalid) throw new GuestFault(Vector.GP);
  return () => {
    if (from !== 0n && to === 0n) resetApic(core);
    core.set('apicBase', value);
  };
}

const IRR = ['irr0', 'irr1', 'irr2', 'irr3'] as const;
const ISR = ['isr0', 'isr1', 'isr2', 'isr3'] as const;
export type VectorSet = readonly [StateWord, StateWord, StateWord, StateWord];
export const REQUESTED: VectorSet = IRR;
export const IN_SERVICE: VectorSet = ISR;

/** Sets or clears a vector in the request or in-service register. */
export function setVector(core: Core, set: VectorSet, vector: number, on: boolean): void {
  const word = set[vector >> 6]!;
  const bit = 1n << BigInt(vector & 63);
  core.set(word, on ? core.get(word) | bit : core.get(word) & ~bit);
}

/** Highest vector of a register, -1 when there is none. */
export function highestVector(core: Core, set: VectorSet): number {
  for (let n = 3; n >= 0; n--) {
    const high = core.high(set[n]!);
    if (high !== 0) return n * 64 + 63 - Math.clz32(high);
    const low = core.small(set[n]!);
    if (low !== 0) return n * 64 + 31 - Math.clz32(low);
  }
  return -1;
}

/** The task-priority register: eight bits. */
export const taskPriority = (core: Core): number => ((core.small('cr8') & 15) << 4) | (core.small('cr8') >>> 4);

/** The processor-priority register (SDM Vol. 3, "Task and Processor Priorities"). */
export function processorPriority(core: Core): number {
  const serving = Math.max(0, highestVector(core, IN_SERVICE));
  const tpr = taskPriority(core);
  return tpr >>> 4 >= serving >>> 4 ? tpr : serving & 0xf0;
}

/** Records an error (bit of the error status register) and raises the LVT error interrupt. */
export function apicError(core: Core, bit: number): void {
  const esr = core.get('apicEsr') | BigInt(1 << bit);
  core.set('apicEsr', esr);
  const lvt = Number(esr >> 32n);
  if ((lvt & LVT_MASKED) === 0) requestInterrupt(core, lvt & 0xff);
}

/** A fixed interrupt arrives. Vectors 0 to 15 are illegal (SDM Vol. 3, "Valid Interrupt Vectors"). */
export function requestInterrupt(core: Core, vector: number): void {
  if (!softwareEnabled(core)) return;
  if (vector >= 16) setVector(core, REQUESTED, vector, true);
  else if ((core.get('apicEsr') & 0x40n) === 0n) apicError(core, 6);
}

/** Ticks for one count of the timer (SDM Vol. 3, "Divide Configuration Register"). */
function timerDivisor(core: Core): bigint {
  const divide = core.small('apicTimerDivide');
  const code = (divide & 3) | ((divide >>> 1) & 4);
  return 1n << BigInt((code + 1) & 7);
}

/** Starts, restarts or (0) stops the counting timer. */
export function startTimer(machine: MachineParts, core: Core, initial: bigint): void {
  core.set('apicTimerInitial', initial);
  if (timerMode(core.small('apicTimerLvt')) === TIMER_MODE.deadline) return;
  core.set('apicTimerDeadline', initial === 0n ? 0n : machine.ticks + initial * timerDivisor(core));
}

/** Counts that are left; 0 when the timer is off or counts to a deadline. */
export function timerCount(machine: MachineParts, core: Core): bigint {
  const deadline = core.get('apicTimerDeadline');
  if (deadline <= machine.ticks || timerMode(core.small('apicTimerLvt')) === TIMER_MODE.deadline) return 0n;
  const divisor = timerDivisor(core);
  return (deadline - machine.ticks + divisor - 1n) / divisor;
}

/** IA32_TSC_DEADLINE: 0, and writes are ignored, unless the timer is in that mode. */
export const readTscDeadline = (core: Core): bigint =>
  timerMode(core.small('apicTimerLvt')) === TIMER_MODE.deadline ? core.get('apicTimerDeadline') : 0n;

export function writeTscDeadline(core: Core, value: bigint): void {
  if (timerMode(core.small('apicTimerLvt')) === TIMER_MODE.deadline) core.set('apicTimerDeadline', value);
}

/** Lets virtual time act on the core's timer: requests its interrupt where it is due. Call it when `ticks` has grown. True when it fired. */
export function pollTimer(machine: MachineParts, core: Core): boolean {
  const deadline = core.get('apicTimerDeadline');
  if (deadline === 0n || machine.ticks < deadline) return false;
  const lvt = core.small('apicTimerLvt');
  const period = core.get('apicTimerInitial') * timerDivisor(core);
  if (timerMode(lvt) === TIMER_MODE.periodic && period !== 0n) {
    // Ticks that were missed are one interrupt: the request register holds a vector once.
    const missed = (machine.ticks - deadline) / period;
    core.set('apicTimerDeadline', deadline + (missed + 1n) * period);
  } else {
    core.set('apicTimerDeadline', 0n);
  }
  if ((lvt & LVT_MASKED) === 0) requestInterrupt(core, lvt & 0xff);
  return true;
}
