import { TextpokeError } from '../../error.ts';
import { Fnv64 } from '../../image/fnv.ts';
import { Vector } from '../../isa/core-state.ts';
import type { Checker } from '../checker.ts';
import { INT3, versionOf } from '../site.ts';
import type { World, WorldEvent } from '../world.ts';

/** Something that a core saw, as far as outcomes go by it. */
export type Observation =
  /** It executed a version of a site, by its index. */
  | { readonly kind: 'version'; readonly site: number; readonly version: number }
  /** It took a #BP at a site, and went on at an address behind it. */
  | { readonly kind: 'trap'; readonly site: number; readonly to: bigint }
  /** A function of the scenario returned (`NOTE_RESULT`). */
  | { readonly kind: 'result'; readonly of: bigint; readonly value: bigint }
  /** The guest said something worth a line (`NOTE_SAY`): the address of the text, and its value. */
  | { readonly kind: 'said'; readonly text: bigint; readonly value: bigint };

interface Link {
  readonly before: bigint;
  readonly last: Observation;
}

/** Levels of #BP on one core, each with its site + 1 and the address of its frame. */
const LEVELS = 4;
const LEVEL_WORDS = 3;
const DEPTH = LEVELS * LEVEL_WORDS;
const CHAIN = DEPTH + 1;
/** The entry stub with the gap copies the frame this far down. */
const GAP = 48n;

const same = (a: Observation, b: Observation): boolean => fieldsOf(a).every((field, n) => field === fieldsOf(b)[n]);

function fieldsOf(o: Observation): readonly bigint[] {
  switch (o.kind) {
    case 'version':
      return [1n, BigInt(o.site), BigInt(o.version)];
    case 'trap':
      return [2n, BigInt(o.site), o.to];
    case 'result':
      return [3n, o.of, o.value];
    case 'said':
      return [4n, o.text, o.value];
  }
}

/**
 * Remembers, as part of the state, what each core has seen so far: which versions of the sites it executed, where it went on behind each #BP, what calls
 * returned. The same thing again and again is seen once, so that who waits in a loop sees nothing new. Finds nothing; multiplies states.
 */
export class Observations implements Checker {
  readonly name = 'observations';
  #words: number[] = [];
  /** What the hash of a sequence stands for. The same everywhere: no state. */
  readonly #links = new Map<bigint, Link>();

  begin(world: World): void {
    this.#words = world.meta.perCore(CHAIN + 2);
  }

  /** What a core has seen, in order. */
  of(world: World, core: number): readonly Observation[] {
    const out: Observation[] = [];
    for (let link = this.#links.get(this.chain(world, core)); link !== undefined; link = this.#links.get(link.before)) out.push(link.last);
    return out.reverse();
  }

  /** A number that stands for what a core has seen; 0 for nothing. */
  chain(world: World, core: number): bigint {
    return world.meta.getLong(this.#words[core]!, CHAIN);
  }

  onEvent(event: WorldEvent, world: World): void {
    switch (event.kind) {
      case 'fetch': {
        const site = world.sites.findIndex((s) => s.address === event.rip);
        if (site < 0 || event.bytes[0] === INT3) return;
        const version = versionOf(world.sites[site]!, 0, event.bytes);
        if (version >= 0) this.#saw(world, event.core, { kind: 'version', site, version });
        return;
      }
      case 'exception': {
        const site = world.sites.findIndex((s) => s.address === event.rip - 1n);
        if (event.vector === Vector.BP && site >= 0) this.#trapped(world, event.core, site, event.frame);
        return;
      }
      case 'iret':
        this.#returned(world, event.core, event.frame, event.rip);
        return;
      case 'note':
        if (event.id === world.lab.abi('NOTE_RESULT'))
          this.#saw(world, event.core, { kind: 'result', of: event.a, value: BigInt.asUintN(32, event.b) });
        else if (event.id === world.lab.abi('NOTE_SAY')) this.#saw(world, event.core, { kind: 'said', text: event.a, value: event.b });
    }
  }

  #trapped(world: World, core: number, site: number, frame: bigint): void {
    const at = this.#words[core]!;
    const depth = world.meta.get(at, DEPTH);
    if (depth === LEVELS) return;
    world.meta.set(at, depth * LEVEL_WORDS, site + 1);
    world.meta.setLong(at, depth * LEVEL_WORDS + 1, frame);
    world.meta.set(at, DEPTH, depth + 1);
  }

  #returned(world: World, core: number, frame: bigint, to: bigint): void {
    const at = this.#words[core]!;
    const depth = world.meta.get(at, DEPTH) - 1;
    if (depth < 0) return;
    const entered = world.meta.getLong(at, depth * LEVEL_WORDS + 1);
    if (frame !== entered && frame !== entered - GAP) return;
    const site = world.meta.get(at, depth * LEVEL_WORDS) - 1;
    for (let word = 0; word < LEVEL_WORDS; word++) world.meta.set(at, depth * LEVEL_WORDS + word, 0);
    world.meta.set(at, DEPTH, depth);
    this.#saw(world, core, { kind: 'trap', site, to });
  }

  #saw(world: World, core: number, last: Observation): void {
    const before = this.chain(world, core);
    const known = this.#links.get(before);
    if (known !== undefined && same(known.last, last)) return;
    const hash = new Fnv64().word(before);
    for (const field of fieldsOf(last)) hash.word(field);
    const chain = BigInt(`0x${hash.hex()}`);
    const other = this.#links.get(chain);
    if (other !== undefined && (other.before !== before || !same(other.last, last)))
      throw new TextpokeError('E_INTERNAL', 'two sequences of observations have one hash', { where: 'outcomes' });
    this.#links.set(chain, { before, last });
    world.meta.setLong(this.#words[core]!, CHAIN, chain);
  }
}
