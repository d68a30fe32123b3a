import type { Site } from '../explore/site.ts';
import type { FetchAge } from './happening.ts';
import { hexBytes } from './names.ts';

interface Version {
  /** Step that wrote it, -1 for what was there from the start. */
  readonly since: number;
  readonly bytes: Uint8Array;
}

/** What memory held at one site, oldest first: says how old the bytes of a fetch are. */
export class TextHistory {
  readonly site: Site;
  readonly #versions: Version[] = [];

  constructor(site: Site, bytes: Uint8Array) {
    this.site = site;
    this.#versions.push({ since: -1, bytes });
  }

  /** Memory holds `bytes` from step `since` on. */
  add(since: number, bytes: Uint8Array): void {
    const last = this.#versions.at(-1) as Version;
    if (!bytes.every((b, i) => b === last.bytes[i])) this.#versions.push({ since, bytes });
  }

  /** How old `bytes` are that were fetched from byte `offset` of the site. The newest explanation counts. */
  age(offset: number, bytes: Uint8Array): FetchAge {
    const holds = (v: Version): boolean => bytes.every((b, i) => offset + i >= v.bytes.length || b === v.bytes[offset + i]);
    for (let n = this.#versions.length - 1; n >= 0; n--) {
      if (!holds(this.#versions[n] as Version)) continue;
      const next = this.#versions[n + 1];
      return next === undefined ? { kind: 'now' } : { kind: 'old', until: next.since };
    }
    const parts: { bytes: number[]; since: number }[] = [];
    bytes.forEach((b, i) => {
      const since = this.#since(offset + i, b);
      const last = parts.at(-1);
      if (last !== undefined && last.since === since) last.bytes.push(b);
      else parts.push({ bytes: [b], since });
    });
    return { kind: 'mixed', parts: parts.map((p) => ({ bytes: hexBytes(p.bytes), since: p.since })) };
  }

  /** Step that wrote value `b` to byte `at`, the latest such: the version in which the byte changed to it. */
  #since(at: number, b: number): number {
    for (let n = this.#versions.length - 1; n >= 0; n--) {
      const v = this.#versions[n] as Version;
      if (v.bytes[at] === b && (n === 0 || (this.#versions[n - 1] as Version).bytes[at] !== b)) return v.since;
    }
    return -1;
  }
}
