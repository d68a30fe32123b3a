import { describe, expect, it } from 'vitest';
import { GuestEvent, Reference, type ReferencePort } from '../../src/engine/reference.ts';
import { ARCHITECTURAL_BYTES, gprOffset, IF, IOPL, OFFSET, type StateWord, Vector } from '../../src/isa/core-state.ts';
import { decode } from '../../src/isa/decode.ts';

const RIP = 0x1000n;
const RSP = 4;

/** One core over a sparse memory that logs every access. */
class Bench {
  readonly view = new DataView(new ArrayBuffer(ARCHITECTURAL_BYTES));
  readonly log: string[] = [];
  readonly memory = new Map<bigint, bigint>();
  /** Accesses at or above this address fault. */
  limit = 1n << 40n;
  readonly #reference: Reference;

  constructor() {
    const port: ReferencePort = {
      load: (address, size, kind, modify) => {
        this.#access(`${modify ? 'modify' : 'load'} ${address.toString(16)} ${size} ${kind}`, address);
        return this.memory.get(address) ?? 0n;
      },
      store: (address, size, value, kind) => {
        this.#access(`store ${address.toString(16)} ${size} ${kind} ${value.toString(16)}`, address);
        this.memory.set(address, value);
      },
      lockBegin: (address, size) => this.log.push(`lock ${address.toString(16)} ${size}`),
      drainStoreBuffer: () => this.log.push('drain'),
      probe: (address, bytes, kind) => this.#access(`probe ${address.toString(16)} ${bytes} ${kind}`, address),
      useExtended: () => this.log.push('extended'),
      system: (i) => this.log.push(`system ${i.mnemonic}`),
    };
    this.#reference = new Reference(this.view, 0, port);
    this.set('rip', RIP);
    this.set('flagResult', 1n);
  }

  #access(text: string, address: bigint): void {
    if (address >= this.limit) throw new GuestEvent('fault', Vector.PF, 0n, 0n);
    this.log.push(text);
  }

  run(hex: string): this {
    const decoded = decode(Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16)));
    if (decoded.kind !== 'instruction') throw new Error(`${hex} is ${decoded.kind}`);
    this.#reference.run(decoded.instruction, decoded.fields);
    return this;
  }

  /** The event that running `hex` raises. */
  event(hex: string): GuestEvent {
    try {
      this.run(hex);
    } catch (thrown) {
      if (thrown instanceof GuestEvent) return thrown;
      throw thrown;
    }
    throw new Error(`${hex} raised nothing`);
  }

  set(word: StateWord, value: bigint): void {
    this.view.setBigUint64(OFFSET[word], value, true);
  }

  get(word: StateWord): bigint {
    return this.view.getBigUint64(OFFSET[word], true);
  }

  setGpr(n: number, value: bigint): void {
    this.view.setBigUint64(gprOffset(n), value, true);
  }

  gpr(n: number): bigint {
    return this.view.getBigUint64(gprOffset(n), true);
  }
}

describe('reference: what the port sees', () => {
  it('locks once, before the first access of a locked instruction', () => {
    const bench = new Bench();
    bench.setGpr(0, 0x2000n);
    bench.run('f048ff00');
    expect(bench.log).toEqual(['lock 2000 64', 'modify 2000 64 data', 'store 2000 64 data 1']);
  });

  it('takes XCHG with memory as locked, and ADD without LOCK not', () => {
    const bench = new Bench();
    bench.setGpr(3, 0x2000n);
    bench.run('8703');
    expect(bench.log[0]).toBe('lock 2000 32');
    bench.log.length = 0;
    bench.run('0103');
    expect(bench.log).toEqual(['modify 2000 32 data', 'store 2000 32 data 0']);
  });

  it('makes CMPXCHG16B one locked access of 16 bytes, and #GP(0) where it is not aligned', () => {
    const bench = new Bench();
    bench.setGpr(7, 0x2000n);
    bench.setGpr(3, 0x11n);
    bench.setGpr(1, 0x22n);
    bench.run('f0480fc70f');
    expect(bench.log).toEqual([
      'lock 2000 128',
      'modify 2000 64 data',
      'modify 2008 64 data',
      'store 2000 64 data 11',
      'store 2008 64 data 22',
    ]);
    bench.setGpr(7, 0x2008n);
    expect(bench.event('f0480fc70f')).toMatchObject({ kind: 'fault', vector: Vector.GP, errorCode: 0n });
  });

  it('says which accesses are of the stack', () => {
    const bench = new Bench();
    bench.setGpr(RSP, 0x3000n);
    bench.setGpr(5, 0x4000n);
    bench.run('ff7508').run('58').run('8b4424f0').run('8b00');
    expect(bench.log.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'load 4008 64 stack',
      'store 2ff8 64 stack',
      'load 2ff8 64 stack',
      'load 2ff0 32 stack',
      'load 0 32 data',
    ]);
  });

  it('drains for MFENCE and hands system instructions over with RIP still at them', () => {
    const bench = new Bench().run('0faef0');
    expect(bench.log).toEqual(['drain']);
    expect(bench.get('rip')).toBe(RIP + 3n);
    bench.run('0fa2');
    expect(bench.log).toEqual(['drain', 'system cpuid']);
    expect(bench.get('rip')).toBe(RIP + 3n);
  });
});

describe('reference: what happens to the core', () => {
  it.each(['50', '58', 'e810000000', 'c3', 'c8100000', 'c9', '9c', 'f3a4', 'f3ab', '480fc709', '0fc103', '8f03', 'ff7308'])(
    'leaves everything as it was when %s faults',
    (hex) => {
      const bench = new Bench();
      bench.limit = 0x1000n;
      for (let n = 0; n < 16; n++) bench.setGpr(n, 0x2000n + BigInt(n) * 0x100n);
      const before = new Uint8Array(bench.view.buffer.slice(0));
      expect(bench.event(hex).vector).toBe(Vector.PF);
      expect(new Uint8Array(bench.view.buffer)).toEqual(before);
    },
  );

  it('gives traps and software interrupts the address after them', () => {
    expect(new Bench().event('cc')).toMatchObject({ kind: 'trap', vector: Vector.BP, nextRip: RIP + 1n });
    expect(new Bench().event('cd80')).toMatchObject({ kind: 'software', vector: 0x80, nextRip: RIP + 2n });
    expect(new Bench().event('0f0b')).toMatchObject({ kind: 'fault', vector: Vector.UD, errorCode: undefined });
  });

  it('runs one iteration of a REP string instruction at a time', () => {
    const bench = new Bench();
    bench.setGpr(1, 3n);
    const rips = [1, 2, 3].map(() => bench.run('f3aa').get('rip'));
    expect(rips).toEqual([RIP, RIP, RIP + 2n]);
    expect([bench.gpr(1), bench.gpr(7)]).toEqual([0n, 3n]);
    expect(bench.set('rip', RIP)).toBeUndefined();
    expect(bench.run('f3aa').get('rip')).toBe(RIP + 2n);
    expect(bench.gpr(7)).toBe(3n);
  });

  it('refuses a branch to an address that is not canonical, before anything changes', () => {
    const bench = new Bench();
    bench.setGpr(0, 1n << 47n);
    bench.setGpr(RSP, 0x3000n);
    expect(bench.event('ffd0')).toMatchObject({ vector: Vector.GP, errorCode: 0n });
    expect([bench.gpr(RSP), bench.get('rip'), bench.memory.size]).toEqual([0x3000n, RIP, 0]);
  });
});

describe('reference: IDIV at the edges of its quotient', () => {
  const divide = (high: bigint, low: bigint, divisor: bigint): Bench => {
    const bench = new Bench();
    bench.setGpr(0, low);
    bench.setGpr(2, high);
    bench.setGpr(1, divisor);
    return bench;
  };
  const MIN = 1n << 63n;
  const ALL = (1n << 64n) - 1n;

  it('takes the least quotient and refuses one more than the greatest', () => {
    const bench = divide(ALL, MIN, 1n).run('48f7f9');
    expect([bench.gpr(0), bench.gpr(2)]).toEqual([MIN, 0n]);
    expect(divide(ALL, MIN, ALL).event('48f7f9').vector).toBe(Vector.DE);
    expect(divide(0n, MIN, 1n).event('48f7f9').vector).toBe(Vector.DE);
    expect(
      divide(0n, MIN - 1n, ALL)
        .run('48f7f9')
        .gpr(0),
    ).toBe(MIN + 1n);
    expect(divide(0n, 5n, 0n).event('48f7f9').vector).toBe(Vector.DE);
  });

  it('gives the remainder the sign of the dividend', () => {
    const bench = divide(ALL, ALL - 6n, 3n).run('48f7f9');
    expect([BigInt.asIntN(64, bench.gpr(0)), BigInt.asIntN(64, bench.gpr(2))]).toEqual([-2n, -1n]);
  });

  it('divides the least 64-bit dividend by a 32-bit divisor', () => {
    expect(divide(0x80000000n, 0n, 0xffffffffn).event('f7f9').vector).toBe(Vector.DE);
    expect(divide(0xffffffffn, 0x80000000n, 1n).run('f7f9').gpr(0)).toBe(0x80000000n);
  });
});

describe('reference: POPF by privilege (SDM Vol. 2, "POPF/POPFD/POPFQ")', () => {
  const popf = (cpl: bigint, system: number, image: number): number => {
    const bench = new Bench();
    bench.set('cpl', cpl);
    bench.set('flagSystem', BigInt(system));
    bench.memory.set(0n, BigInt(image));
    return Number(bench.run('9d').get('flagSystem'));
  };

  it('changes IF and IOPL at CPL 0', () => {
    expect(popf(0n, 0, IF | IOPL)).toBe(IF | IOPL);
    expect(popf(0n, IF | IOPL, 0)).toBe(0);
  });

  it('changes IF but not IOPL where CPL <= IOPL', () => {
    expect(popf(3n, IOPL, IF)).toBe(IF | IOPL);
  });

  it('changes neither above IOPL', () => {
    expect(popf(3n, IF, IOPL)).toBe(IF);
  });
});
