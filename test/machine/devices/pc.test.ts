import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Core } from '../../../src/machine/core.ts';
import { Pc } from '../../../src/machine/devices/pc/pc.ts';

const FIRST = { index: 0 } as Core;

interface Setup {
  readonly pc: Pc;
  /** Bytes at the serial line. */
  readonly sent: number[];
  readonly reset: () => boolean;
  now: number;
}

function setup(disk?: Uint8Array): Setup {
  const sent: number[] = [];
  let wasReset = false;
  const out = { now: 0, sent, reset: () => wasReset } as Setup & { pc: Pc };
  out.pc = new Pc({
    disk,
    baseKb: 639,
    extendedKb: 31744,
    cores: 2,
    now: () => out.now,
    serial: (_, byte) => sent.push(byte),
    reset: () => {
      wasReset = true;
    },
  });
  return out;
}

const write = ({ pc }: Setup, port: number, ...values: number[]): void => {
  for (const value of values) pc.write(FIRST, port, 1, BigInt(value));
};
const read = ({ pc }: Setup, port: number, bytes = 1): number => Number(pc.read(port, bytes));

/** Sets both interrupt controllers up as kernels do: vectors from 20h and 28h on, everything masked but `open`. */
function remap(s: Setup, open: number): void {
  write(s, 0x20, 0x11);
  write(s, 0xa0, 0x11);
  write(s, 0x21, 0x20, 4, 1, ~open & 0xff);
  write(s, 0xa1, 0x28, 2, 1, (~open >> 8) & 0xff);
}

describe('ports that nobody has', () => {
  it('read as ones, whatever their width, and take writes', () => {
    const s = setup();
    expect([read(s, 0x300), read(s, 0x301, 2), read(s, 0xcfc, 4)]).toEqual([0xff, 0xffff, 0xffffffff]);
    s.pc.write(FIRST, 0xcf8, 4, 0x80000400n);
    expect(s.reset()).toBe(false);
    write(s, 0xcf9, 0x06);
    expect(s.reset()).toBe(true);
  });
});

describe('the serial line', () => {
  it('tells the divisor from data, and sends back what it is asked to loop', () => {
    const s = setup();
    write(s, 0x3fb, 0x80);
    write(s, 0x3f8, 3);
    write(s, 0x3f9, 0);
    expect(read(s, 0x3f8)).toBe(3);
    write(s, 0x3fb, 3);
    write(s, 0x3fc, 0x1e);
    write(s, 0x3f8, 0xae);
    expect([read(s, 0x3fd), read(s, 0x3f8), read(s, 0x3fd)]).toEqual([0x61, 0xae, 0x60]);
    write(s, 0x3fc, 0x0f);
    write(s, 0x3f8, 0x41);
    write(s, 0x3ff, 0x5a);
    expect([read(s, 0x3ff), s.sent]).toEqual([0x5a, [0x41]]);
  });
});

describe('the interrupt controllers', () => {
  it('give the vector of the highest request that is open, and nest until its end', () => {
    const s = setup();
    remap(s, 0b1_0000_0000_0101);
    const { pics } = s.pc;
    pics.raise(12);
    expect(s.pc.pending(FIRST)).toBe(0x2c);
    pics.raise(0);
    pics.raise(1);
    expect(s.pc.pending(FIRST)).toBe(0x20);
    s.pc.acknowledge();
    expect(s.pc.pending(FIRST)).toBeUndefined();
    write(s, 0x20, 0x20);
    expect(s.pc.pending(FIRST)).toBe(0x2c);
    s.pc.acknowledge();
    write(s, 0xa0, 0x0b);
    expect(read(s, 0xa0)).toBe(0x10);
    write(s, 0xa0, 0x20);
    write(s, 0x20, 0x62);
    // What is masked waits.
    expect(s.pc.pending(FIRST)).toBeUndefined();
    write(s, 0x21, 0);
    expect(s.pc.pending(FIRST)).toBe(0x21);
    expect(s.pc.pending({ index: 1 } as Core)).toBeUndefined();
  });
});

describe('the timer', () => {
  it('counts once for 8 instructions, and its latch stands still', () => {
    const s = setup();
    write(s, 0x43, 0x34);
    write(s, 0x40, 0x00, 0x10);
    s.now = 80;
    write(s, 0x43, 0x00);
    s.now = 800;
    expect(read(s, 0x40) | (read(s, 0x40) << 8)).toBe(0x1000 - 10);
    expect(read(s, 0x40) | (read(s, 0x40) << 8)).toBe(0x1000 - 100);
  });

  it('interrupts only when it has been programmed: periodically in mode 2, once in mode 0', () => {
    const s = setup();
    remap(s, 1);
    expect(s.pc.untilTimer).toBeUndefined();
    write(s, 0x43, 0x34);
    write(s, 0x40, 100, 0);
    expect(s.pc.untilTimer).toBe(800);
    s.now = 799;
    s.pc.poll();
    expect(s.pc.pending(FIRST)).toBeUndefined();
    s.now = 2500;
    s.pc.poll();
    expect(s.pc.pending(FIRST)).toBe(0x20);
    expect(s.pc.untilTimer).toBe(3200 - 2500);
    write(s, 0x43, 0x30);
    write(s, 0x40, 100, 0);
    s.now = 9000;
    s.pc.poll();
    expect(s.pc.untilTimer).toBeUndefined();
  });

  it('has a speaker whose counter says when it is through', () => {
    const s = setup();
    write(s, 0x61, 1);
    write(s, 0x43, 0xb0);
    write(s, 0x42, 10, 0);
    expect(read(s, 0x61) & 0x20).toBe(0);
    s.now = 80;
    expect(read(s, 0x61) & 0x20).toBe(0x20);
  });
});

describe('the clock', () => {
  it('begins at one fixed time and goes on with virtual time', () => {
    const s = setup();
    const at = (register: number): number => {
      write(s, 0x70, register);
      return read(s, 0x71);
    };
    s.now = 8 * 1193182 * (2 * 3600 + 34 * 60 + 56);
    expect([4, 2, 0, 0x32, 9, 8, 7, 0x15, 0x16, 0x5f].map(at)).toEqual([0x02, 0x34, 0x56, 0x20, 0x26, 1, 1, 639 & 0xff, 639 >> 8, 1]);
    write(s, 0x70, 0x40);
    write(s, 0x71, 0x99);
    expect(at(0x40)).toBe(0x99);
  });
});

describe('the keyboard controller', () => {
  it('takes A20 by both ways, tests well, and resets', () => {
    const s = setup();
    write(s, 0x92, 0x02);
    expect(read(s, 0x92)).toBe(2);
    write(s, 0x64, 0xd1);
    write(s, 0x60, 0xdf);
    write(s, 0x64, 0xd0);
    expect([read(s, 0x64) & 1, read(s, 0x60), read(s, 0x64) & 1]).toEqual([1, 0xdf, 0]);
    write(s, 0x64, 0xaa);
    expect(read(s, 0x60)).toBe(0x55);
    write(s, 0x60, 0xf4);
    expect(read(s, 0x60)).toBe(0xfa);
    expect(s.reset()).toBe(false);
    write(s, 0x64, 0xfe);
    expect(s.reset()).toBe(true);
  });
});

describe('the disk', () => {
  const sectors = (count: number): Uint8Array => Uint8Array.from({ length: count * 512 - 100 }, (_, n) => (n >> 9) + 1);
  const command = (s: Setup, lba: number, count: number, code: number): void => {
    write(s, 0x1f2, count);
    write(s, 0x1f3, lba & 0xff);
    write(s, 0x1f4, (lba >> 8) & 0xff);
    write(s, 0x1f5, (lba >> 16) & 0xff);
    write(s, 0x1f6, 0xe0 | (lba >> 24));
    write(s, 0x1f7, code);
  };

  it('says what it is', () => {
    const s = setup(sectors(10));
    command(s, 0, 0, 0xec);
    const words = Array.from({ length: 256 }, () => read(s, 0x1f0, 2));
    expect([words[49], words[60], words[61], words[100], read(s, 0x1f7)]).toEqual([0x200, 10, 0, 10, 0x50]);
    expect(String.fromCharCode(...words.slice(27, 34).flatMap((w) => [w >> 8, w & 0xff])).trim()).toBe('TEXTPOKE DISK');
  });

  it('gives sectors in any width, the last one filled with zeros, and none beyond', () => {
    const s = setup(sectors(3));
    command(s, 1, 2, 0x20);
    expect(read(s, 0x1f7)).toBe(0x58);
    const data = [...Array.from({ length: 128 }, () => read(s, 0x1f0, 4)), ...Array.from({ length: 256 }, () => read(s, 0x1f0, 2))];
    expect([data[0], data[127], data[128], data[128 + 205], data[383]]).toEqual([0x02020202, 0x02020202, 0x0303, 0x0303, 0]);
    command(s, 3, 1, 0x20);
    expect([read(s, 0x1f7) & 1, read(s, 0x1f1)]).toEqual([1, 0x10]);
    command(s, 0, 1, 0x77);
    expect([read(s, 0x1f7) & 1, read(s, 0x1f1)]).toEqual([1, 4]);
  });

  it('keeps what is written to itself, and 48-bit commands find it', () => {
    const image = sectors(3);
    const before = image.slice();
    const s = setup(image);
    command(s, 2, 1, 0x30);
    for (let n = 0; n < 256; n++) s.pc.write(FIRST, 0x1f0, 2, BigInt(n));
    const state = s.pc.state;
    for (const high of [0, 0, 0, 0]) write(s, 0x1f2, high);
    write(s, 0x1f2, 0, 1);
    write(s, 0x1f3, 0, 2);
    write(s, 0x1f4, 0, 0);
    write(s, 0x1f5, 0, 0);
    write(s, 0x1f6, 0x40);
    write(s, 0x1f7, 0x24);
    expect(Array.from({ length: 256 }, () => read(s, 0x1f0, 2))).toEqual(Array.from({ length: 256 }, (_, n) => n));
    expect(image).toEqual(before);
    s.pc.state = state;
    expect(s.pc.state).toEqual(state);
  });

  it('is not there where no image is', () => {
    expect(read(setup(), 0x1f7)).toBe(0xff);
  });
});

it('property: no sequence of accesses makes a device throw or give what a port cannot hold', () => {
  const port = fc.constantFrom(
    ...[0x20, 0x21, 0xa0, 0xa1, 0x40, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x92],
    ...range(0x1f0, 8),
    0x3f6,
    ...range(0x3f8, 8),
  );
  const access = fc.tuple(fc.boolean(), port, fc.constantFrom(1, 2, 4), fc.nat(0xffffffff), fc.nat(100_000));
  fc.assert(
    fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
      const s = setup(new Uint8Array(2048));
      for (const [writes, at, bytes, value, later] of accesses) {
        s.now += later;
        if (writes) s.pc.write(FIRST, at, bytes, BigInt(value) & ((1n << BigInt(8 * bytes)) - 1n));
        else expect(s.pc.read(at, bytes) >> BigInt(8 * bytes)).toBe(0n);
        s.pc.poll();
        const vector = s.pc.pending(FIRST);
        if (vector !== undefined) {
          expect(vector >= 0 && vector < 256).toBe(true);
          s.pc.acknowledge();
        }
      }
    }),
    { numRuns: 300 },
  );
});

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}
