import { chance } from './chance.ts';
import { ALIAS, type Setting, slotOf, stackOf, TEXT, TEXT_BYTES } from './ground.ts';
import { type Flavour, randomFunction, randomSequence, type Sequence } from './sequences.ts';
import { bytesOf, isLabel, type Label, label, little, type Part, referring, Text } from './text.ts';

/** Sequences that one region may hold: they stand one behind the other, and whichever is wanted is returned to. */
export interface Group {
  readonly core: number;
  readonly entry: Label;
  /** Branches that are never taken to what is not found behind what stands before it: with ZF clear they are only come past. */
  readonly chain: Label;
  /** Where a sequence ends that went astray. */
  readonly exit: Label;
  readonly starts: readonly Label[];
}

/** A program: several groups in three pages of text, what they may do, and the machines that run them. */
export interface Program {
  readonly setting: Setting;
  readonly flavour: Flavour;
  readonly text: Text;
  readonly groups: readonly Group[];
}

/** Sequences of a group: what fits into a region. */
const GROUP = 12;
const FUNCTIONS = 6;
/** Programs of one build in a row. */
export const BUILD = 512;

/** The program of a seed; instructions with the numbers in `omitted` do nothing. */
export function programOf(seed: number, omitted: ReadonlySet<number> = new Set()): Program {
  const random = chance(seed);
  const one = (of: number): boolean => random(of) === 0;
  const cores = one(6) ? 2 : 1;
  // Programs that follow each other are of one build: its handlers are compiled once a process.
  const setting: Setting = { journal: Math.floor(seed / BUILD) % 4 !== 3, cores, user: one(4) };
  const functions = Array.from({ length: FUNCTIONS }, () => label());
  const flavour: Flavour = {
    random,
    user: setting.user,
    wild: one(24),
    modifies: one(5),
    paging: !setting.user && one(3),
    system: one(2),
    patchable: [],
    functions,
  };
  const text = new Text(omitted);
  const groups: Group[] = [];
  for (const entry of functions) text.add([entry, ...randomFunction(flavour)]);
  for (;;) {
    const known = flavour.patchable.length;
    const group = groupOf(flavour, groups.length % cores);
    if (text.at + sizeOf(group.parts) > TEXT_BYTES) {
      // What has no place is none to store to; nothing before it refers to it.
      flavour.patchable.length = known;
      break;
    }
    text.add(group.parts);
    groups.push(group);
  }
  text.finish();
  return { setting, flavour, text, groups };
}

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + (isLabel(part) ? 0 : part.bytes.length), 0);

/** A group and its code. Those that regions cannot hold whole come last: what stands behind them is not found from the entry. */
function groupOf(flavour: Flavour, core: number): Group & { parts: readonly Part[] } {
  const sequences: Sequence[] = Array.from({ length: GROUP }, () => randomSequence(flavour));
  sequences.sort((a, b) => Number(a.ends) - Number(b.ends));
  const [entry, chain, exit, dispatch] = [label(), label(), label(), label()];
  const starts = sequences.map(() => label());
  const hidden = starts.filter((_, n) => n > 0 && sequences[n - 1]!.ends);
  const parts: Part[] = [entry, referring('distance32', dispatch, 0xe8)];
  parts.push(chain, ...hidden.map((start) => referring('distance32', start, 0x0f, 0x84)), referring('distance32', exit, 0xe8));
  sequences.forEach((sequence, n) => parts.push(starts[n]!, ...sequence.parts, referring('distance32', exit, 0xe8)));
  const drop = bytesOf(0x48, 0x8d, 0x64, 0x24, 8);
  // The flags stay what they were: a sequence begins with those that the last one left.
  parts.push(dispatch, drop, bytesOf(0xff, 0x34, 0x25, ...little(slotOf(core, 'target'))), bytesOf(0xc3));
  parts.push(exit, bytesOf(0x48, 0xc7, 0xc4, ...little(stackOf(core) - 16)));
  parts.push(flavour.user ? bytesOf(0x0f, 0x05) : bytesOf(0xf4), referring('distance32', entry, 0xe9));
  return { core, entry, chain, exit, starts, parts };
}

/** Linear address of a place, directly or through the alias. */
export const addressOf = (place: Label, alias: boolean): number => TEXT + place.at + (alias ? ALIAS : 0);
