import { CORE, inMode, PAGE, SCRATCH_RECORDS, SHADOW, Stop } from '../engine/layout.ts';
import { TextpokeError } from '../error.ts';
import { Vector } from '../isa/core-state.ts';
import type { Decoded } from '../isa/decode.ts';
import { RECORD_BYTES } from '../isa/record.ts';
import type { Core } from './core.ts';
import { decodeFault } from './decode-fault.ts';
import type { FetchWindow } from './fetch.ts';
import type { MachineRun } from './machine-run.ts';
import { translateFetch } from './paging.ts';

/** What came of a fetch: a record to run, a record in the cache or a handler to go on with, or a stop. */
export type Fetched =
  | { readonly kind: 'again' }
  | { readonly kind: 'record'; readonly record: number }
  | { readonly kind: 'stop'; readonly stop: number };

/** The instruction at RIP has no record in the cache. */
export function fetchRecord(machine: MachineRun, core: Core): Fetched {
  const rip = core.rip;
  const at = machine.fetchAt(core);
  if ('fault' in at) {
    if (at.cr2 !== undefined) core.setRawLong(CORE.stopCr2, at.cr2);
    machine.noteFault(core, at.fault, at.errorCode);
    return delivered(machine, core);
  }
  if ('absent' in at)
    throw new TextpokeError('E_GUEST', `core ${core.index} executes at ${hex(rip)}, which is mapped beyond RAM`, {
      where: machine.describe(core),
    });
  const window = machine.fetchWindow(core, at.physical);
  if (window.patched) {
    const held = machine.fetch.held(core);
    return held === undefined ? { kind: 'stop', stop: Stop.fetch } : useBytes(machine, core, held, window, false);
  }
  if (machine.hooks.has(rip)) machine.emit({ kind: 'hook', core: core.index, address: rip });
  return useBytes(machine, core, window.current(), window, !machine.hooks.has(rip));
}

/** Decodes bytes and makes a record of them: in the cache when the bytes cannot change behind our back, else in the core's scratch. */
export function useBytes(
  machine: MachineRun,
  core: Core,
  bytes: Uint8Array,
  window: Pick<FetchWindow, 'physical' | 'addresses' | 'missing'>,
  cache: boolean,
): Fetched {
  const decoded = machine.fetch.decode(bytes, core.mode);
  if (decoded.kind === 'instruction') {
    const inPage = 4096 - (window.physical & 0xfff);
    if (core.mode !== 0 && core.rip + BigInt(decoded.length - 1) > core.get('csHigh')) {
      machine.noteFault(core, Vector.GP, 0n);
      return delivered(machine, core);
    }
    const cached = cache && decoded.length <= inPage && machine.findsRecords(core);
    const at = cached ? undefined : SCRATCH_RECORDS + core.index * RECORD_BYTES;
    const record = machine.engine.putRecord(decoded.instruction, decoded.fields, inMode(window.physical, core.mode), at);
    if (cached) {
      markRecords(machine, core, window.physical, decoded.length);
      return { kind: 'again' };
    }
    // Not in the cache, but executed all the same: a store to either part makes it patched text.
    if (cache) {
      markRecords(machine, core, window.physical, Math.min(inPage, decoded.length));
      if (decoded.length > inPage) markRecords(machine, core, window.addresses[inPage] as number, decoded.length - inPage);
    }
    return { kind: 'record', record };
  }
  const fault = decodeFault(decoded, window.missing) ?? unsupported(machine, core, decoded, bytes);
  if (fault.cr2 !== undefined) core.setRawLong(CORE.stopCr2, fault.cr2);
  machine.noteFault(core, fault.vector, fault.errorCode);
  return delivered(machine, core);
}

/** Of a feature that CPUID reports, but nothing that we have semantics for: no guess, but its bytes, address and name. */
function unsupported(machine: MachineRun, core: Core, decoded: Exclude<Decoded, { kind: 'instruction' }>, bytes: Uint8Array): never {
  const { name, length } = decoded.kind === 'unimplemented' ? decoded : { name: decoded.kind, length: bytes.length };
  const text = [...bytes.subarray(0, length)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  throw new TextpokeError(
    'E_INSN',
    `unsupported instruction at ${machine.options.names?.describe(core.rip) ?? hex(core.rip)}: ${text} (${name})`,
    {
      where: machine.describe(core),
      hint: 'CPUID reports its feature, but this form of it is not there',
    },
  );
}

/** A page holds records now: stores to it must take the slow path, so that they are noticed. */
function markRecords(machine: MachineRun, core: Core, physical: number, length: number): void {
  const info = machine.pageInfo(physical);
  machine.engine.markCode(physical, length);
  if ((info & PAGE.hasRecords) === 0) {
    machine.setPageInfo(physical >>> 12, info | PAGE.hasRecords);
    for (const c of machine.cores) c.flushTlb();
    translateFetch(machine, core, core.rip);
  }
  if (!machine.engine.features.explore) return;
  for (let q = physical & ~7; q < physical + length; q += 8) {
    const at = machine.engine.map.shadow + (q >>> 3) * 4;
    const word = machine.engine.view.getUint32(at, true);
    // Written first and executed now: text that is written as well.
    if (machine.text !== undefined && machine.text.indexOf(q) < 0 && ((word >>> SHADOW.writersShift) & SHADOW.readers) !== 0)
      machine.newText.add(q);
    machine.executed.add(q);
    machine.engine.view.setUint32(at, word | (1 << core.index), true);
  }
}

/** Delivers the exception that is noted in place of the instruction. */
function delivered(machine: MachineRun, core: Core): Fetched {
  machine.engine.globals.stop.value = 0;
  const stop = machine.deliverNoted(core);
  return stop === undefined ? { kind: 'again' } : { kind: 'stop', stop };
}

const hex = (n: bigint): string => `0x${n.toString(16)}`;
