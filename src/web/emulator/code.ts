import { type Disassembled, disassemble } from '../../debug/disassemble.ts';
import { hexBytes, type Names } from '../../debug/names.ts';
import type { World } from '../../explore/world.ts';
import type { Core } from '../../machine/core.ts';
import type { CodeLine } from './protocol.ts';

/** Longest instruction (SDM Vol. 2, "Instruction Format"). */
const MAX_LENGTH = 15;
/** Bytes of a function that are shown when the symbol does not say how long it is. */
const UNKNOWN_SIZE = 64;
/** Lines around the current one. */
const LINES = { before: 14, behind: 26 };

/** Memory of the image at an address, at most `length` bytes: fewer at the end of its segment, none where the image has nothing. */
export function imageBytes(world: World, address: bigint, length: number): Uint8Array {
  const segment = world.lab.image.segmentAt(address);
  if (segment === undefined) return new Uint8Array(0);
  const left = Number(segment.address + BigInt(segment.memorySize) - address);
  return world.lab.peek(address, Math.min(length, left));
}

/** Code between functions is INT3. */
function withoutPadding(lines: readonly Disassembled[]): readonly Disassembled[] {
  const last = lines.findLastIndex((line, n) => n === 0 || line.bytes[0] !== 0xcc);
  return lines.slice(0, last + 1);
}

/** The function that a core is in, as memory holds it, around where it is. */
export function codeAround(world: World, names: Names, core: Core): CodeLine[] {
  const { image } = world.lab;
  const { rip } = core;
  const inside = image.symbols.find((s) => s.kind === 'function' && rip >= s.address && rip < s.address + BigInt(s.size));
  const start = inside?.address ?? image.symbolAt(rip)?.symbol.address ?? rip;
  const size = inside?.size ?? Number(rip - start) + UNKNOWN_SIZE;
  // Decoding begins at the function, goes on at RIP whatever came before it (a core may be inside what is an instruction elsewhere), and ends with it.
  const before = disassemble(imageBytes(world, start, Number(rip - start)), start);
  const behind = disassemble(imageBytes(world, rip, Math.max(size - Number(rip - start), MAX_LENGTH)), rip);
  const first = Math.max(0, before.length - LINES.before);
  return [...before.slice(first), ...withoutPadding(behind).slice(0, LINES.behind)].map((line) => {
    const at = image.symbolAt(line.address);
    return {
      address: `0x${line.address.toString(16)}`,
      bytes: hexBytes(line.bytes),
      text: (line.valid ? names.disassembled(line.bytes, line.address) : undefined) ?? line.text,
      label: at?.offset === 0 ? at.symbol.name : undefined,
      current: line.address === rip,
      site: names.siteAt(line.address) !== undefined || names.siteAt(line.address + BigInt(line.bytes.length - 1)) !== undefined,
    };
  });
}
