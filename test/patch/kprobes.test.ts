import { describe, expect, test } from 'vitest';
import { armKprobe, disarmKprobe, optimizeKprobe, type ProbeSite, unoptimizeKprobe, unregisterKprobe } from '../../src/patch/kprobes.ts';
import type { Part, TextWorld } from '../../src/patch/text-poke.ts';

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).toUpperCase().padStart(2, '0')).join(' ');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.split(' '), (b) => Number.parseInt(b, 16));

const SITE = 0x1000n;
const KPROBE = 0x9000n;
const LAYOUT = { flags: 0x10, optimized: 4 };
/** d0 to d3 of the catalogue's table are 7B 33 22 11: a detour that is 0x11223380 bytes away. */
const DETOUR = SITE + 0x11223380n;
const WORLD: TextWorld = {
  alias: (address) => address + 0x100000000n,
  symbol: (name) => (name === 'optprobe_detour' ? DETOUR : 0n),
  cores: 1,
  syncVector: 0xf8,
  percpuOf: () => 0n,
};

/** What is at the site after each store to it, and the calls, flags and SYNCs around them, in order. */
function timeline(before: string, part: Part): string[] {
  const text = bytesOf(before);
  const out: string[] = [];
  for (let next = part.next(); next.done !== true; next = part.next(0n)) {
    const op = next.value;
    if (op.do === 'call') out.push(op.what);
    if (op.do === 'mark' && op.mark.kind === 'sync') out.push('SYNC');
    if (op.do !== 'store') continue;
    if (op.address === KPROBE + BigInt(LAYOUT.flags)) {
      out.push(`flags = ${op.value}`);
      continue;
    }
    const at = Number(op.address - WORLD.alias(SITE));
    for (let i = 0; i < op.bytes; i++) text[at + i] = Number((op.value >> BigInt(8 * i)) & 0xffn);
    out.push(hex(text));
  }
  return out;
}

const probe = (bytes: string, length: number): ProbeSite => ({ site: SITE, name: 'site', bytes: bytesOf(bytes), length });
const ONE = probe('48 89 E5', 3);
const THREE = probe('55 48 89 E5 41 57', 1);

describe('byte timelines of probes', () => {
  test('a kprobe on 48 89 E5 is armed and disarmed', () => {
    expect(timeline('48 89 E5', armKprobe(WORLD, ONE))).toEqual(['CC 89 E5', 'SYNC']);
    expect(timeline('CC 89 E5', disarmKprobe(WORLD, ONE))).toEqual(['48 89 E5', 'SYNC']);
  });

  test('an armed probe over 55 / 48 89 E5 / 41 57 becomes a jump: the sixth byte stays', () => {
    expect(timeline('CC 48 89 E5 41 57', optimizeKprobe(WORLD, THREE, KPROBE, LAYOUT))).toEqual([
      'flags = 4',
      'synchronize_rcu_tasks',
      'CC 7B 33 22 11 57',
      'SYNC',
      'E9 7B 33 22 11 57',
      'SYNC',
    ]);
  });

  test('and an armed probe again, without a last phase', () => {
    expect(timeline('E9 7B 33 22 11 57', unoptimizeKprobe(WORLD, THREE, KPROBE, LAYOUT))).toEqual([
      'CC 7B 33 22 11 57',
      'SYNC',
      'CC 48 89 E5 41 57',
      'SYNC',
      'flags = 0',
    ]);
  });

  test('each step that can be left out or moved is where its name says', () => {
    const un = (switches: Parameters<typeof unregisterKprobe>[3]): string[] =>
      timeline('CC 89 E5', unregisterKprobe(WORLD, ONE, KPROBE, switches));
    expect(un({})).toEqual(['48 89 E5', 'SYNC', 'unhash_kprobe', 'synchronize_rcu', 'free_kprobe']);
    expect(un({ sync: false })).toEqual(['48 89 E5', 'unhash_kprobe', 'synchronize_rcu', 'free_kprobe']);
    expect(un({ order: 'unhash-first' })).toEqual(['unhash_kprobe', '48 89 E5', 'SYNC', 'synchronize_rcu', 'free_kprobe']);
    expect(un({ gracePeriod: false })).toEqual(['48 89 E5', 'SYNC', 'unhash_kprobe', 'free_kprobe']);
    expect(timeline('E9 7B 33 22 11 57', unoptimizeKprobe(WORLD, THREE, KPROBE, LAYOUT, { flag: 'first' }))[0]).toBe('flags = 0');
    expect(timeline('CC 48 89 E5 41 57', optimizeKprobe(WORLD, THREE, KPROBE, LAYOUT, { wait: 'sched' }))[1]).toBe('synchronize_rcu');
    expect(timeline('CC 48 89 E5 41 57', optimizeKprobe(WORLD, THREE, KPROBE, LAYOUT, { wait: 'none' }))[1]).toBe('CC 7B 33 22 11 57');
  });
});
