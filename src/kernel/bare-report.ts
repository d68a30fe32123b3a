import type { Image } from '../image/image.ts';
import { Vector } from '../isa/core-state.ts';
import type { BareEnd } from './bare-run.ts';
import type { BareTrap, LackingInstruction } from './bare-trap.ts';

/** Exceptions by vector, as the SDM abbreviates them. */
const NAMES: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  2: 'NMI',
  3: '#BP',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
  20: '#VE',
  21: '#CP',
};

/** `#PF`; for a vector without a name its number: `vector 0x80`. */
export const vectorName = (vector: number): string => NAMES[vector] ?? `vector 0x${vector.toString(16)}`;

/** `fault+0x12 (0x401012) fixtures/run/fault.c:7`, as much of it as the image knows. */
export function placeName(image: Image, address: bigint): string {
  const hex = `0x${address.toString(16)}`;
  const name = image.describe(address);
  const line = image.lineAt(address);
  return `${name === hex ? hex : `${name} (${hex})`}${line === undefined ? '' : ` ${line.file}:${line.line}`}`;
}

/** How a core ended, in words: `exit 0`, `#PF at main+0x12 (0x401012) a.c:7, cr2 0x10 (write, page not present)`. */
export function endText(image: Image, end: BareEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exit ${end.code}`;
    case 'halted':
      return 'halted';
    case 'parked':
      return 'parked by INIT';
    case 'waiting':
      return 'not started: it waits for INIT and a startup IPI';
    case 'reset':
      return 'reset';
    case 'running':
      return `still running at ${placeName(image, end.rip)}`;
    case 'trapped':
      return trapText(image, end.trap);
  }
}

function trapText(image: Image, trap: BareTrap): string {
  const at = placeName(image, trap.rip);
  if (trap.kind === 'tripleFault') return `triple fault at ${at}: ${trap.why ?? 'nothing more is known'}`;
  const unexpected = trap.kind === 'interrupt' && trap.vector !== Vector.NMI;
  const name = unexpected ? `interrupt 0x${trap.vector.toString(16)} without a handler` : vectorName(trap.vector);
  if (trap.cr2 !== undefined) return `${name} at ${at}, cr2 0x${trap.cr2.toString(16)} (${pageFaultText(trap.errorCode ?? 0n)})`;
  if (trap.lacking !== undefined) return `${name} at ${at}: ${lackingText(trap.lacking)}`;
  return `${name} at ${at}${trap.errorCode === undefined ? '' : `, error code 0x${trap.errorCode.toString(16)}`}`;
}

/** `62 f1 7c 48 58 c1 (vaddps) needs AVX512F, which CPUID does not report`. */
const lackingText = ({ bytes, name, features }: LackingInstruction): string =>
  `${bytes} (${name}) needs ${features.join(' and ')}, which CPUID does not report`;

/** The error code of a #PF in words (SDM Vol. 3, "Page-Fault Exceptions"). */
function pageFaultText(code: bigint): string {
  const access = (code & 16n) !== 0n ? 'instruction fetch' : (code & 2n) !== 0n ? 'write' : 'read';
  const why = (code & 8n) !== 0n ? 'reserved bit set' : (code & 1n) !== 0n ? 'not permitted' : 'page not present';
  return `${(code & 4n) !== 0n ? 'user ' : ''}${access}, ${why}`;
}

/** Who probably called what trapped: `main+0x10 (0x400020) a.c:9`; undefined when nothing on the stack says. The line is that of the call. */
export function callerText(image: Image, trap: BareTrap): string | undefined {
  if (trap.caller === undefined) return undefined;
  const line = image.lineAt(trap.caller - 1n);
  const place = `${image.describe(trap.caller)} (0x${trap.caller.toString(16)})`;
  return line === undefined ? place : `${place} ${line.file}:${line.line}`;
}

/** Whether this is an end that a program wants: exit code 0, or a halt. */
export const endedWell = (end: BareEnd): boolean =>
  end.kind === 'exited' ? end.code === 0 : end.kind !== 'trapped' && end.kind !== 'running';
