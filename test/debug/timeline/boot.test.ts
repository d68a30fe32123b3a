import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BareTimeline } from '../../../src/debug/timeline/bare-timeline.ts';
import { Debugger } from '../../../src/debug/timeline/debugger.ts';
import { stackOf } from '../../../src/debug/timeline/stack.ts';
import { imageFromContents } from '../../../src/image/boot-image.ts';
import type { Image } from '../../../src/image/image.ts';
import { BareMachine } from '../../../src/kernel/bare.ts';

const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../../fixtures/boot/${name}`, import.meta.url)));

function debug(name: string): { debug: Debugger; timeline: BareTimeline; names: Image; said: () => string; writes: () => number } {
  const text: string[] = [];
  let writes = 0;
  const image = imageFromContents(read(`${name}.img`), name) as Image;
  const serial = (_: number, byte: number, index: number): void => {
    const character = String.fromCharCode(byte);
    expect(text[index] ?? character).toBe(character);
    text[index] = character;
    writes++;
  };
  const timeline = new BareTimeline(new BareMachine(image, { cores: 1, ramBytes: 8 << 20, journal: true, serial }), 2000);
  const names = imageFromContents(read(`${name}.elf`), name) as Image;
  return { debug: new Debugger(timeline), timeline, names, said: () => text.join(''), writes: () => writes };
}

const forward = { direction: 'forward', goal: { kind: 'continue' } } as const;
const back = { direction: 'back', goal: { kind: 'continue' } } as const;

describe('a debugger of what boots', () => {
  it('stops at linear addresses in every mode, both ways', () => {
    const { debug: d, timeline, names } = debug('modes');
    const core = timeline.machine.cores[0]!;
    const places = ['_start', 'protected', 'long_mode', 'compatibility', 'protected16', 'real'].map((name) => names.symbol(name).address);
    for (const place of places) d.breakpoints.add(place);
    const sizes = places.slice(1).map((address) => {
      expect(d.resume(forward)).toEqual({ why: 'breakpoint', core: 0, address });
      return core.codeSize;
    });
    expect(sizes).toEqual([32, 64, 32, 16, 16]);
    for (const address of places.slice(1, -1).reverse()) expect(d.resume(back)).toEqual({ why: 'breakpoint', core: 0, address });
    expect([core.codeSize, core.get('cr0')]).toEqual([32, 0x11n]);
  });

  it('sees accesses of 16-bit code by their linear addresses', () => {
    const { debug: d, timeline } = debug('services');
    // The BIOS data area through DS = 40h: the status of the last disk access.
    const watch = { address: 0x474n, size: 1, kind: 'access' } as const;
    d.watches.add(watch);
    expect(d.resume(forward)).toEqual({ why: 'watch', core: 0, watch });
    expect(timeline.machine.cores[0]!.get('cs')).toBe(0xf000n);
    expect(stackOf(timeline, timeline.machine.cores[0]!)).toHaveLength(1);
  });

  it('goes back with the disk and all other devices', () => {
    const { debug: d, timeline, names, said, writes } = debug('loader');
    d.breakpoints.add(names.symbol('kernel_entry').address);
    expect(d.resume(forward)).toMatchObject({ why: 'breakpoint' });
    const there = timeline.position;
    const state = timeline.bare.pc!.state;
    d.breakpoints.clear();
    expect(d.resume(forward)).toMatchObject({ why: 'end' });
    const all = said();
    expect(all).toContain('bold task ended with 13');
    timeline.goto({ at: 100, inside: 0 });
    expect(timeline.bare.pc!.state).not.toEqual(state);
    timeline.goto(there);
    expect(timeline.bare.pc!.state).toEqual(state);
    const before = writes();
    d.resume(forward);
    expect(said()).toBe(all);
    // What comes behind the loader's two lines was written once more.
    expect(writes() - before).toBe(all.length - 'stage 1\nstage 2\n'.length);
  });
});
