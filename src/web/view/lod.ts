/** No step of this lane here. */
export const NOTHING = 255;

/**
 * What one lane shows at any zoom: for each power of two of steps the most telling tag among them, so that zooming out drops nothing that matters. A level has
 * half as many places as the one below it.
 */
export class LanePyramid {
  readonly #levels: Uint8Array[];

  /** `tags` has an element a step, `NOTHING` where the step is another lane's. */
  constructor(tags: Uint8Array) {
    this.#levels = [tags];
    for (let below = tags; below.length > 1; ) {
      const level = new Uint8Array(Math.ceil(below.length / 2));
      for (let n = 0; n < level.length; n++) level[n] = more(below[2 * n]!, below[2 * n + 1] ?? NOTHING);
      this.#levels.push(level);
      below = level;
    }
  }

  /** The most telling tag of the steps in [from, to), `NOTHING` where none is this lane's. */
  most(from: number, to: number): number {
    let found = NOTHING;
    let [low, high] = [Math.max(0, from), Math.min(this.#levels[0]!.length, to)];
    for (let n = 0; low < high; n++) {
      const level = this.#levels[n]!;
      if (low & 1) found = more(found, level[low++]!);
      if (high & 1) found = more(found, level[--high]!);
      low >>= 1;
      high >>= 1;
    }
    return found;
  }
}

/** The more telling of two tags. */
const more = (a: number, b: number): number => (a === NOTHING ? b : b === NOTHING ? a : Math.max(a, b));

/** The pyramids of all lanes of a run. */
export function lanePyramids(cores: number, core: Uint8Array, tag: Uint8Array): LanePyramid[] {
  return Array.from({ length: cores }, (_, lane) => {
    const tags = new Uint8Array(core.length).fill(NOTHING);
    for (let n = 0; n < core.length; n++) if (core[n] === lane) tags[n] = tag[n]!;
    return new LanePyramid(tags);
  });
}
