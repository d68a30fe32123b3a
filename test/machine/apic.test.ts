import { describe, expect, test } from 'vitest';
import { Stop } from '../../src/engine/layout.ts';
import { Activity, IF, RSP } from '../../src/isa/core-state.ts';
import { pollTimer, sendIpi } from '../../src/machine/apic.ts';
import type { Core } from '../../src/machine/core.ts';
import { accept, deliverable } from '../../src/machine/interrupts.ts';
import { AT, SELECTOR, TinyMachine } from './tiny-machine.ts';

const WRMSR = '0f30';
const RDMSR = '0f32';
const IRETQ = '48cf';

function wrmsr(m: TinyMachine, core: Core, msr: number, value: bigint): number {
  core.setGpr(1, BigInt(msr));
  core.setGpr(0, value & 0xffffffffn);
  core.setGpr(2, value >> 32n);
  return m.step(core, WRMSR);
}

function rdmsr(m: TinyMachine, core: Core, msr: number): bigint {
  core.setGpr(1, BigInt(msr));
  m.step(core, RDMSR);
  return (core.gpr(2) << 32n) | core.gpr(0);
}

const EOI = 0x80b;
const ICR = 0x830;
const TIMER = 0x832;
const SHORTHAND = { self: 1n << 18n, all: 2n << 18n, others: 3n << 18n };

function machine(cores = 3) {
  const m = new TinyMachine(cores);
  const [a, b, c] = m.cores as [Core, Core, Core];
  return { m, a, b, c, pending: () => m.cores.map((core) => deliverable(m, core)) };
}

describe('interprocessor interrupts', () => {
  test('shorthands and destinations', () => {
    const cases: [bigint, number[]][] = [
      [SHORTHAND.self, [0]],
      [SHORTHAND.all, [0, 1, 2]],
      [SHORTHAND.others, [1, 2]],
      [2n << 32n, [2]],
      [0xffffffffn << 32n, [0, 1, 2]],
      [(6n << 32n) | (1n << 11n), [1, 2]],
      [(7n << 32n) | (1n << 11n) | (1n << 8n), [0]],
      [(1n << 48n) | (1n << 32n) | (1n << 11n), []],
    ];
    for (const [icr, targets] of cases) {
      const { m, a, pending } = machine();
      wrmsr(m, a, ICR, icr | 0x55n);
      expect(pending()).toEqual([0, 1, 2].map((n) => (targets.includes(n) ? 0x55 : undefined)));
      expect(m.events).toEqual([{ kind: 'ipi', core: 0, vector: 0x55, targets }]);
    }
  });

  test('sending is visible, and neither drains nor serializes', () => {
    const { m, a, pending } = machine();
    m.visible = false;
    expect(wrmsr(m, a, ICR, SHORTHAND.others | 0x55n)).toBe(Stop.systemVisible);
    expect([pending(), a.rip]).toEqual([[undefined, undefined, undefined], BigInt(AT.code)]);
    expect(wrmsr(m, a, 0x808, 0n)).not.toBe(Stop.systemVisible);
    m.visible = true;
    wrmsr(m, a, ICR, SHORTHAND.others | 0x55n);
    expect(pending()).toEqual([undefined, 0x55, 0x55]);
    expect(m.serialized).toBe(0);
  });

  test('taken, in service until EOI, then the next', () => {
    const { m, a, b } = machine();
    sendIpi(m, a, { vector: 0x41, shorthand: 'all-excluding-self' });
    sendIpi(m, a, { vector: 0x61, shorthand: 'all-excluding-self' });
    expect(accept(m, b)).toBe(true);
    expect(b.rip).toBe(BigInt(m.handler(0x61)));
    expect(rdmsr(m, b, 0x813)).toBe(2n);
    expect(rdmsr(m, b, 0x822)).toBe(2n);
    b.rflags |= IF;
    expect(deliverable(m, b)).toBeUndefined();
    wrmsr(m, b, EOI, 0n);
    expect(deliverable(m, b)).toBe(0x41);
    expect(accept(m, a)).toBe(false);
  });

  test('held back by IF, by the task priority and by the shadow of STI', () => {
    const { m, a } = machine();
    wrmsr(m, a, 0x83f, 0x35n);
    expect(deliverable(m, a)).toBe(0x35);
    wrmsr(m, a, 0x808, 0x3fn);
    expect(deliverable(m, a)).toBeUndefined();
    expect(rdmsr(m, a, 0x80a)).toBe(0x3fn);
    a.setGpr(0, 2n);
    m.step(a, '440f22c0');
    expect(deliverable(m, a)).toBe(0x35);
    m.step(a, 'fa');
    expect(deliverable(m, a)).toBeUndefined();
    m.step(a, 'fb');
    expect(deliverable(m, a)).toBeUndefined();
    m.step(a, '90');
    expect(deliverable(m, a)).toBe(0x35);
  });

  test('wake a halted core behind its HLT', () => {
    const { m, a, b } = machine();
    m.step(b, 'f4');
    expect(b.small('activity')).toBe(Activity.halted);
    sendIpi(m, a, { vector: 0x70, destination: 1 });
    accept(m, b);
    expect(b.small('activity')).toBe(Activity.running);
    expect(m.read(Number(b.gpr(RSP)))).toBe(BigInt(AT.code + 1));
  });

  test('vectors below 16 are an error of the sender', () => {
    const { m, a, pending } = machine();
    wrmsr(m, a, ICR, SHORTHAND.all | 0xfn);
    expect(pending()).toEqual([undefined, undefined, undefined]);
    expect(rdmsr(m, a, 0x828)).toBe(0x20n);
    wrmsr(m, a, 0x828, 0n);
    expect(rdmsr(m, a, 0x828)).toBe(0n);
  });

  test('a core whose APIC is disabled by software takes NMIs only', () => {
    const { m, a, b } = machine();
    wrmsr(m, b, 0x80f, 0xffn);
    sendIpi(m, a, { vector: 0x50, destination: 1 });
    expect(deliverable(m, b)).toBeUndefined();
    sendIpi(m, a, { vector: 0, mode: 'nmi', destination: 1 });
    expect(deliverable(m, b)).toBe('nmi');
  });

  test('INIT parks, a startup IPI is for the host, and only for a parked core', () => {
    const started: [number, number][] = [];
    const m = new TinyMachine(2, {
      startup: (core, vector) => {
        started.push([core.index, vector]);
      },
    });
    const [a, b] = m.cores as [Core, Core];
    wrmsr(m, a, ICR, (1n << 32n) | (6n << 8n) | 0x9n);
    expect(started).toEqual([]);
    sendIpi(m, a, { vector: 0x50, destination: 1 });
    wrmsr(m, a, ICR, (1n << 32n) | (5n << 8n) | (1n << 14n));
    expect(b.small('activity')).toBe(Activity.waitForSipi);
    expect(deliverable(m, b)).toBeUndefined();
    wrmsr(m, a, ICR, (1n << 32n) | (6n << 8n) | 0x9n);
    expect(started).toEqual([[1, 9]]);
  });
});

describe('NMI', () => {
  test('is taken with IF clear, blocks further ones until IRET, and is latched once', () => {
    const { m, a, b } = machine();
    b.rflags &= ~IF;
    wrmsr(m, a, ICR, SHORTHAND.others | (4n << 8n));
    expect(m.events).toEqual([{ kind: 'ipi', core: 0, vector: 2, targets: [1, 2] }]);
    accept(m, b);
    expect(b.rip).toBe(BigInt(m.handler(2)));
    sendIpi(m, a, { vector: 0, mode: 'nmi', destination: 1 });
    sendIpi(m, a, { vector: 0, mode: 'nmi', destination: 1 });
    expect(deliverable(m, b)).toBeUndefined();
    m.step(b, IRETQ);
    expect(deliverable(m, b)).toBe('nmi');
    accept(m, b);
    m.step(b, IRETQ);
    expect(deliverable(m, b)).toBeUndefined();
  });

  test('an exception inside the handler unblocks it by its IRET', () => {
    const { m, a, b } = machine();
    sendIpi(m, a, { vector: 0, mode: 'nmi', destination: 1 });
    accept(m, b);
    m.step(b, 'cc');
    m.step(b, IRETQ);
    expect(b.rip).toBe(BigInt(m.handler(2) + 1));
    sendIpi(m, a, { vector: 0, mode: 'nmi', destination: 1 });
    expect(deliverable(m, b)).toBe('nmi');
  });

  test('waits behind MOV SS, not behind STI', () => {
    const { m, a } = machine();
    a.setSmall('nmiPending', 1);
    a.rflags &= ~IF;
    m.step(a, 'fb');
    expect(deliverable(m, a)).toBe('nmi');
    m.step(a, '90');
    a.setGpr(0, BigInt(SELECTOR.kernelData));
    m.step(a, '8ed0');
    expect(deliverable(m, a)).toBeUndefined();
    m.step(a, '90');
    expect(deliverable(m, a)).toBe('nmi');
  });
});

describe('timer', () => {
  test('one shot, in counts of divided ticks', () => {
    const { m, a } = machine();
    wrmsr(m, a, TIMER, 0x33n);
    wrmsr(m, a, 0x83e, 3n);
    wrmsr(m, a, 0x838, 10n);
    m.ticks = 100n;
    expect(rdmsr(m, a, 0x839)).toBe(4n);
    expect(pollTimer(m, a)).toBe(false);
    m.ticks = 160n;
    expect(pollTimer(m, a)).toBe(true);
    expect(deliverable(m, a)).toBe(0x33);
    m.ticks = 1000n;
    expect(pollTimer(m, a)).toBe(false);
  });

  test('periodic: keeps its phase', () => {
    const { m, a } = machine();
    wrmsr(m, a, TIMER, 0x20033n);
    wrmsr(m, a, 0x83e, 0xbn);
    wrmsr(m, a, 0x838, 100n);
    m.ticks = 250n;
    expect(pollTimer(m, a)).toBe(true);
    m.ticks = 299n;
    expect(pollTimer(m, a)).toBe(false);
    m.ticks = 300n;
    expect(pollTimer(m, a)).toBe(true);
  });

  test('TSC deadline', () => {
    const { m, a } = machine();
    wrmsr(m, a, 0x6e0, 500n);
    expect(rdmsr(m, a, 0x6e0)).toBe(0n);
    wrmsr(m, a, TIMER, 0x40033n);
    wrmsr(m, a, 0x6e0, 500n);
    expect(rdmsr(m, a, 0x6e0)).toBe(500n);
    m.ticks = 500n;
    expect(pollTimer(m, a)).toBe(true);
    expect(deliverable(m, a)).toBe(0x33);
    expect(rdmsr(m, a, 0x6e0)).toBe(0n);
    expect(m.serialized).toBe(0);
  });

  test('masked: it runs out without an interrupt', () => {
    const { m, a } = machine();
    wrmsr(m, a, 0x838, 10n);
    m.ticks = 1000n;
    expect(pollTimer(m, a)).toBe(true);
    expect(deliverable(m, a)).toBeUndefined();
  });
});

describe('registers', () => {
  test('identity', () => {
    const { m, b, c } = machine();
    expect([rdmsr(m, b, 0x802), rdmsr(m, c, 0x80d), rdmsr(m, b, 0x803)]).toEqual([1n, 4n, 0x30014n]);
    expect([rdmsr(m, b, 0x1b), rdmsr(m, m.cores[0]!, 0x1b)]).toEqual([0xfee00c00n, 0xfee00d00n]);
  });

  test('#GP: reserved bits, read-only, missing, and outside x2APIC mode', () => {
    const { m, a } = machine();
    const refused = (body: () => void): void => {
      a.rip = BigInt(AT.code);
      const count = m.delivered().length;
      body();
      expect(m.delivered().slice(count)).toEqual([13]);
    };
    refused(() => wrmsr(m, a, 0x808, 0x100n));
    refused(() => wrmsr(m, a, EOI, 1n));
    refused(() => wrmsr(m, a, 0x802, 1n));
    refused(() => rdmsr(m, a, EOI));
    refused(() => rdmsr(m, a, 0x834));
    refused(() => rdmsr(m, a, 0x80e));
    refused(() => wrmsr(m, a, 0x1b, 0xfee00800n));
    wrmsr(m, a, 0x1b, 0xfee00000n);
    refused(() => rdmsr(m, a, 0x802));
  });
});
