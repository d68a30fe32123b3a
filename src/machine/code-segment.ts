import { Vector } from '../isa/core-state.ts';
import { CS, DS, ES, FS, GS, SEGMENTS, SS } from '../isa/segments.ts';
import { type Core, GuestFault } from './core.ts';
import { type Descriptor, isNull, isReadable, readDescriptor } from './descriptors.ts';
import { isCanonical } from './paging.ts';
import type { MachineParts } from './parts.ts';
import { type HiddenSegment, isLong, keepsHidden, setHidden, UNUSABLE, updateMode } from './segmentation.ts';

/** Whether a code segment is one of 64-bit code: its L bit counts in IA-32e mode only. */
export const is64Bit = (core: Core, code: Descriptor): boolean => isLong(core) && code.long;

/** #GP(0) where the first instruction in a code segment cannot be at this offset. */
export function checkOffset(core: Core, code: Descriptor, offset: bigint, external = 0): void {
  const allowed = is64Bit(core, code) ? isCanonical(offset) : offset <= code.limit;
  if (!allowed) throw new GuestFault(Vector.GP, external);
}

/**
 * Checks nothing any more: gives what makes a code segment the one that the core executes. A core that leaves 64-bit mode for the first time has the hidden parts of its other
 * segment registers read from the descriptors that their selectors name now: memory stops and faults as `Core.load`, before anything has changed.
 */
export function codeEntry(machine: MachineParts, core: Core, selector: number, code: HiddenSegment, to64: boolean): () => void {
  const begins = !keepsHidden(core) && !to64;
  const others = begins ? [ES, SS, DS, FS, GS].map((number) => [number, hiddenNow(machine, core, number)] as const) : [];
  return () => {
    core.setSmall('cs', selector);
    if (!begins && !keepsHidden(core)) return;
    setHidden(core, CS, code);
    for (const [number, hidden] of others) setHidden(core, number, hidden);
    updateMode(machine, core);
  };
}

/** What the descriptor of a selector in a segment register says. The bases of FS and GS are in the core. */
function hiddenNow(machine: MachineParts, core: Core, number: number): HiddenSegment {
  const { selector, base } = SEGMENTS[number]!;
  const descriptor = isNull(core.small(selector)) ? undefined : readDescriptor(machine, core, core.small(selector));
  const hidden = descriptor === undefined || !isReadable(descriptor) ? UNUSABLE : descriptor.hidden;
  return number === FS || number === GS ? { ...hidden, base: core.get(base) } : hidden;
}
