import type { World } from '../../explore/world.ts';
import type { Core } from '../../machine/core.ts';
import { readLinear } from '../../machine/look.ts';
import { type Disassembled, disassemble } from '../disassemble.ts';
import { hexBytes, type Names } from '../names.ts';

/** A line of code as memory holds it. */
export interface CodeLine {
  readonly address: bigint;
  /** `function+0x12`. */
  readonly place: string;
  readonly bytes: string;
  readonly text: string;
  /** The core is here. */
  readonly here: boolean;
  /** Bytes of a site are among it. */
  readonly site: boolean;
}

/** Bytes of a function of unknown size. */
const UNKNOWN_SIZE = 64;
const MAX_LENGTH = 15;

/**
 * The function that a core is in, as memory holds it: decoded from its start, and from RIP on whatever came before it, as a core may be inside what is an instruction
 * elsewhere.
 */
export function codeAround(world: World, names: Names, core: Core): CodeLine[] {
  const { machine } = world;
  const { image } = world.lab;
  const { rip } = core;
  const found = image.symbolAt(rip);
  const isKnown = found !== undefined && found.symbol.size > 0;
  const start = isKnown ? found.symbol.address : rip;
  const end = isKnown ? found.symbol.address + BigInt(found.symbol.size) : rip + BigInt(UNKNOWN_SIZE);
  const read = (from: bigint, length: number): Disassembled[] => disassemble(readLinear(machine, core, from, length, 'memory'), from);
  const length = Math.max(Number(end - rip), MAX_LENGTH);
  // The instruction at RIP is a line also where it goes on behind the end.
  const behind = read(rip, length).filter((l) => l.address === rip || l.address + BigInt(l.bytes.length) <= end);
  return [...(start < rip ? read(start, Number(rip - start)) : []), ...behind].map((line) => ({
    address: line.address,
    place: image.describe(line.address),
    bytes: hexBytes(line.bytes),
    text: inNames(line, names),
    here: line.address === rip,
    site: names.siteAt(line.address) !== undefined || names.siteAt(line.address + BigInt(line.bytes.length - 1)) !== undefined,
  }));
}

/** An instruction with names for the addresses in it, also for what it reaches from RIP. */
export function inNames({ address, bytes, text }: Disassembled, names: Names): string {
  const next = address + BigInt(bytes.length);
  return text
    .replace(/0x[0-9a-f]{9,16}/g, (a) => names.word(BigInt(a)))
    .replace(/(-?)(0x[0-9a-f]+)\(%rip\)/g, (_, sign: string, offset: string) => {
      const to = BigInt.asUintN(64, sign === '' ? next + BigInt(offset) : next - BigInt(offset));
      return `${names.word(to)}(%rip)`;
    });
}
