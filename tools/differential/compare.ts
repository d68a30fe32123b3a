import { EXTENDED_AT, EXTENDED_BYTES, GPR_NAMES, OFFSET, ymmOffset } from '../../src/isa/core-state.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { takeExtended } from '../silicon/extended.ts';
import { RAM, TEXT } from './ground.ts';

/** Everything that programs write lies there; what is elsewhere is compared at their end. */
const [WORKING_FROM, WORKING_TO] = [TEXT, 0x160000];
/** The lazy flags may be kept in different ways: RFLAGS counts. */
const BEFORE_FLAGS = OFFSET.flagResult;
const BEHIND_FLAGS = OFFSET.flagSystem;
const LAST = OFFSET.singleStepPending + 8;

function sameBytes(a: Machine, b: Machine, from: number, to: number): boolean {
  return Buffer.compare(a.engine.bytes.subarray(from, to), b.engine.bytes.subarray(from, to)) === 0;
}

/** All registers of all cores: general, system and APIC words, flags, x87, SSE and AVX. */
function sameRegisters(a: Machine, b: Machine): boolean {
  return a.cores.every((core, n) => {
    const { base } = core;
    return (
      sameBytes(a, b, base, base + BEFORE_FLAGS) &&
      sameBytes(a, b, base + BEHIND_FLAGS, base + LAST) &&
      core.rflags === b.cores[n]!.rflags &&
      sameBytes(a, b, base + EXTENDED_AT, base + EXTENDED_AT + EXTENDED_BYTES)
    );
  });
}

const sameMemory = (a: Machine, b: Machine, from: number, to: number): boolean =>
  sameBytes(a, b, a.engine.map.ram + from, a.engine.map.ram + to);

function sameHash(a: Machine, b: Machine): boolean {
  const [x, y] = [a.key(), b.key()];
  return [0, 1, 2, 3].every((n) => a.engine.words[x + n] === b.engine.words[y + n]);
}

/** Behind a visit: all registers, and memory by the state hash, or where there is none by its bytes. `whole`: all of memory in any case. */
export function isSame(a: Machine, b: Machine, hashed: boolean, whole: boolean): boolean {
  if (!sameRegisters(a, b)) return false;
  if (hashed && !sameHash(a, b)) return false;
  if (whole) return sameMemory(a, b, 0, RAM);
  return hashed || sameMemory(a, b, WORKING_FROM, WORKING_TO);
}

/** What is not the same, for a reader. */
export function differenceOf(a: Machine, b: Machine): string {
  const parts: string[] = [];
  a.cores.forEach((x, core) => {
    const y = b.cores[core]!;
    const say = (name: string, v: bigint | number, w: bigint | number): void => {
      if (v !== w) parts.push(`${core === 0 ? '' : 'core 1 '}${name} ${v.toString(16)} / ${w.toString(16)}`);
    };
    GPR_NAMES.forEach((name, n) => say(name, x.gpr(n), y.gpr(n)));
    say('rflags', x.rflags, y.rflags);
    for (const [word, offset] of Object.entries(OFFSET)) {
      if (offset >= BEFORE_FLAGS && offset < BEHIND_FLAGS) continue;
      if (offset < ymmOffset(0)) say(word, x.get(word as 'rip'), y.get(word as 'rip'));
    }
    const [v, w] = [takeExtended(a.engine.view, x.base), takeExtended(b.engine.view, y.base)];
    for (const name of ['fcw', 'fsw', 'ftw', 'mxcsr'] as const) say(name, v[name], w[name]);
    for (const word of ['fop', 'fip', 'fdp'] as const) say(word, x.get(word), y.get(word));
    v.ymm.forEach((value, n) => say(`ymm${n}`, value, w.ymm[n]!));
    v.st.forEach((value, n) => say(`st${n}`, value, w.st[n]!));
  });
  const [m, n] = [a.peek(0, RAM), b.peek(0, RAM)];
  for (let at = 0, told = 0; at < RAM && told < 8; at++) {
    if (m[at] === n[at]) continue;
    parts.push(`[${at.toString(16)}] ${m[at]!.toString(16)} / ${n[at]!.toString(16)}`);
    told++;
  }
  return parts.join(', ') || 'the state hash';
}
