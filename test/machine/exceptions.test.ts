import { describe, expect, test } from 'vitest';
import { Activity, IF, RSP, TF } from '../../src/isa/core-state.ts';
import { AccessStopped, type Core } from '../../src/machine/core.ts';
import { DR6_BS, deliver } from '../../src/machine/exceptions.ts';
import { AT, SELECTOR, TinyMachine } from './tiny-machine.ts';

const UD2 = '0f0b';
const IRETQ = '48cf';
const NOP = '90';
const RF = 0x10000n;

function machine() {
  const m = new TinyMachine();
  const core = m.cores[0]!;
  return { m, core, frame: (n: number) => m.read(Number(core.gpr(RSP)) + 8 * n) };
}

/** Words of a core that an exception or a stop may change. */
const snapshot = (core: Core) => ({
  rip: core.rip,
  rsp: core.gpr(RSP),
  cs: core.get('cs'),
  ss: core.get('ss'),
  rflags: core.rflags,
  cpl: core.get('cpl'),
  cr2: core.get('cr2'),
});

describe('delivery in the kernel', () => {
  test('a fault pushes five words with RF set, on a stack aligned down to 16', () => {
    const { m, core, frame } = machine();
    core.setGpr(RSP, BigInt(AT.stack + 0xffb));
    const rflags = core.rflags;
    m.step(core, UD2);
    expect(core.rip).toBe(BigInt(m.handler(6)));
    expect(core.gpr(RSP)).toBe(BigInt(AT.stack + 0xff0 - 40));
    expect([0, 1, 2, 3, 4].map(frame)).toEqual([
      BigInt(AT.code),
      BigInt(SELECTOR.kernelCode),
      BigInt(rflags) | RF,
      BigInt(AT.stack + 0xffb),
      BigInt(SELECTOR.kernelData),
    ]);
    expect(core.rflags & IF).toBe(0);
    expect(m.events).toEqual([{ kind: 'exception', core: 0, vector: 6, errorCode: undefined, rip: BigInt(AT.code), frame: core.gpr(RSP) }]);
  });

  test('a trap gate leaves IF, clears TF; INT3 pushes the next RIP and no RF', () => {
    const { m, core, frame } = machine();
    m.gate(3, { type: 0xf });
    core.rflags = IF | TF | 2;
    m.step(core, 'cc');
    expect(core.rflags & (IF | TF)).toBe(IF);
    expect(frame(0)).toBe(BigInt(AT.code + 1));
    expect(frame(2)).toBe(BigInt(IF | TF | 2));
    expect(m.delivered()).toEqual([3]);
  });

  test('a page fault pushes its error code and sets CR2 when it is delivered', () => {
    const { m, core, frame } = machine();
    core.setGpr(0, 0x500000n);
    m.step(core, '488900');
    expect(frame(0)).toBe(2n);
    expect(frame(1)).toBe(BigInt(AT.code));
    expect(core.get('cr2')).toBe(0x500000n);
    expect(m.events[0]).toMatchObject({ vector: 14, errorCode: 2n, frame: core.gpr(RSP) + 8n });
  });

  test('INT n does not push an error code', () => {
    const { m, core, frame } = machine();
    m.step(core, 'cd0d');
    expect(frame(0)).toBe(BigInt(AT.code + 2));
    expect(core.rip).toBe(BigInt(m.handler(13)));
  });

  test('an IST gate switches stacks without a change of level and keeps SS', () => {
    const { m, core, frame } = machine();
    m.gate(6, { ist: 1 });
    const rsp = core.gpr(RSP);
    m.step(core, UD2);
    expect(core.gpr(RSP)).toBe(BigInt(AT.ist + 0x1000 - 40));
    expect(frame(3)).toBe(rsp);
    expect(core.small('ss')).toBe(SELECTOR.kernelData);
  });

  test('iretq goes back to what was', () => {
    const { m, core } = machine();
    const before = snapshot(core);
    deliver(m, core, { vector: 0x40, kind: 'interrupt', savedRip: core.rip });
    expect(core.rip).toBe(BigInt(m.handler(0x40)));
    m.step(core, IRETQ);
    expect(snapshot(core)).toEqual(before);
    expect(m.serialized).toBe(1);
    expect(m.events.at(-1)).toEqual({ kind: 'iret', core: 0, rip: BigInt(AT.code), frame: BigInt(AT.stack + 0x1000 - 40) });
  });
});

describe('delivery from user mode', () => {
  test('takes RSP0, a null SS and CPL 0, and comes back', () => {
    const { m, core, frame } = machine();
    m.toUser(core);
    const before = snapshot(core);
    m.step(core, UD2);
    expect(core.small('cpl')).toBe(0);
    expect(core.small('ss')).toBe(0);
    expect(core.small('cs')).toBe(SELECTOR.kernelCode);
    expect(core.gpr(RSP)).toBe(BigInt(AT.kernelStack + 0x1000 - 40));
    expect([frame(1), frame(4)]).toEqual([BigInt(SELECTOR.userCode), BigInt(SELECTOR.userData)]);
    m.step(core, IRETQ);
    expect(snapshot(core)).toEqual({ ...before, rflags: before.rflags | Number(RF) });
    m.put(core, NOP);
    m.step(core);
    expect(core.rflags).toBe(before.rflags);
  });

  test('after the return the kernel is out of reach', () => {
    const { m, core } = machine();
    m.toUser(core);
    deliver(m, core, { vector: 0x40, kind: 'interrupt', savedRip: core.rip });
    core.load(BigInt(AT.stack), 8);
    m.step(core, IRETQ);
    core.setGpr(0, BigInt(AT.stack));
    m.step(core, '488b00');
    expect(m.events.at(-1)).toMatchObject({ vector: 14, errorCode: 5n });
  });

  test('INT n and INT3 need a gate of their level', () => {
    const { m, core } = machine();
    m.toUser(core);
    m.step(core, 'cd80');
    expect(m.events.at(-1)).toMatchObject({ vector: 13, errorCode: BigInt(0x80 * 8 + 2), rip: BigInt(AT.user) });
    m.toUser(core);
    m.step(core, 'cc');
    expect(m.events.at(-1)).toMatchObject({ vector: 13, errorCode: 26n });
    m.gate(3, { dpl: 3 });
    m.toUser(core);
    m.step(core, 'cc');
    expect(m.events.at(-1)).toMatchObject({ vector: 3, rip: BigInt(AT.user + 1) });
  });

  test('the kernel stack may lie behind SMAP; a user page as kernel stack may not', () => {
    const { m, core } = machine();
    core.set('cr4', core.get('cr4') | (1n << 21n));
    m.toUser(core);
    m.write(AT.tss + 4, BigInt(AT.data + 0x1000));
    m.gate(8, { ist: 1 });
    m.gate(14, { ist: 1 });
    m.step(core, UD2);
    expect(m.delivered()).toEqual([14]);
    expect(m.events[0]).toMatchObject({ errorCode: 3n });
  });
});

describe('faults of the delivery', () => {
  test('gate not present: #NP with the vector, IDT and EXT', () => {
    const { m, core } = machine();
    m.gate(6, { present: false });
    m.step(core, UD2);
    expect(m.events).toMatchObject([{ vector: 11, errorCode: BigInt(6 * 8 + 3) }]);
  });

  test('beyond the limit of the IDT, and a gate of another type: #GP', () => {
    const { m, core } = machine();
    m.gate(6, { type: 0xc });
    m.step(core, UD2);
    core.rip = BigInt(AT.code);
    core.set('idtrLimit', 0x40 * 16 - 1);
    m.step(core, 'cd40');
    expect(m.events).toMatchObject([
      { vector: 13, errorCode: 51n },
      { vector: 13, errorCode: BigInt(0x40 * 8 + 2) },
    ]);
  });

  test('code segment: null, data, not present', () => {
    const { m, core } = machine();
    for (const selector of [0, SELECTOR.kernelData, SELECTOR.absent]) {
      m.gate(6, { selector });
      core.rip = BigInt(AT.code);
      m.step(core, UD2);
    }
    expect(m.events).toMatchObject([
      { vector: 13, errorCode: 1n },
      { vector: 13, errorCode: BigInt(SELECTOR.kernelData + 1) },
      { vector: 11, errorCode: BigInt(SELECTOR.absent + 1) },
    ]);
  });

  test('two contributory faults are a double fault, with error code 0', () => {
    const { m, core, frame } = machine();
    m.gate(13, { present: false });
    m.gate(8, { ist: 1 });
    core.setGpr(0, 1n << 50n);
    m.step(core, '488b00');
    expect(m.delivered()).toEqual([8]);
    expect([frame(0), frame(1)]).toEqual([0n, BigInt(AT.code)]);
  });

  test('a page fault on the way to a benign exception is just that', () => {
    const { m, core } = machine();
    m.gate(14, { ist: 1 });
    core.setGpr(RSP, 0x600000n);
    m.step(core, UD2);
    expect(m.events).toMatchObject([{ vector: 14, errorCode: 2n, rip: BigInt(AT.code) }]);
    expect(core.get('cr2')).toBe(0x600000n - 8n);
  });

  test('a page fault during a page fault is a double fault; CR2 is of the second', () => {
    const { m, core } = machine();
    m.gate(8, { ist: 1 });
    core.setGpr(RSP, 0x600000n);
    core.setGpr(0, 0x500000n);
    m.step(core, '488b00');
    expect(m.delivered()).toEqual([8]);
    expect(core.get('cr2')).toBe(0x600000n - 8n);
  });

  test('a fault during a double fault shuts the core down', () => {
    const { m, core } = machine();
    core.setGpr(RSP, 0x600000n);
    m.step(core, UD2);
    expect(core.small('activity')).toBe(Activity.shutdown);
    expect(m.events).toMatchObject([{ kind: 'shutdown', core: 0, rip: BigInt(AT.code) }]);
  });

  test('a stop on the way leaves the core as it was', () => {
    const { m, core } = machine();
    const before = snapshot(core);
    const store = core.store.bind(core);
    let left = 3;
    core.store = (...args) => {
      if (left-- === 0) throw new AccessStopped();
      store(...args);
    };
    expect(() => deliver(m, core, { vector: 6, kind: 'fault', savedRip: core.rip })).toThrow(AccessStopped);
    expect(snapshot(core)).toEqual(before);
    expect(m.events).toEqual([]);
    core.store = store;
    expect(deliver(m, core, { vector: 6, kind: 'fault', savedRip: core.rip })).toBe('delivered');
  });
});

describe('iretq', () => {
  const push = (m: TinyMachine, core: Core, words: readonly (bigint | number)[]): void => {
    const at = AT.stack + 0x800;
    words.forEach((word, n) => {
      m.write(at + 8 * n, BigInt(word));
    });
    core.setGpr(RSP, BigInt(at));
  };

  test('refuses bad frames', () => {
    const { m, core } = machine();
    const good = [AT.code, SELECTOR.kernelCode, 2, AT.stack, SELECTOR.kernelData];
    const cases: [number, bigint | number, number, bigint][] = [
      [0, 1n << 47n, 13, 0n],
      [1, 0, 13, 0n],
      [1, SELECTOR.kernelData, 13, 0x10n],
      [1, SELECTOR.absent, 11, 0x38n],
      [1, 0x48, 13, 0x48n],
      [1, SELECTOR.userCode & ~3, 13, 0x20n],
      [4, SELECTOR.userData, 13, 0x18n],
      [4, SELECTOR.kernelCode, 13, 8n],
    ];
    for (const [slot, value, vector, errorCode] of cases) {
      core.rip = BigInt(AT.code);
      push(
        m,
        core,
        good.map((word, n) => (n === slot ? value : word)),
      );
      m.step(core, IRETQ);
      expect(m.events.at(-1)).toMatchObject({ vector, errorCode, rip: BigInt(AT.code) });
    }
  });

  test('a null SS is for the kernel only', () => {
    const { m, core } = machine();
    push(m, core, [AT.code, SELECTOR.kernelCode, 2, AT.stack, 0]);
    m.step(core, IRETQ);
    expect(m.delivered()).toEqual([]);
    push(m, core, [AT.user, SELECTOR.userCode, 2, AT.userStack, 0]);
    m.step(core, IRETQ);
    expect(m.delivered()).toEqual([13]);
  });

  test('user mode cannot change IF or IOPL', () => {
    const { m, core } = machine();
    m.toUser(core);
    const at = AT.userStack + 0x800;
    [AT.user + 8, SELECTOR.userCode, 0x3002, AT.userStack, SELECTOR.userData].forEach((word, n) => {
      m.write(at + 8 * n, BigInt(word));
    });
    core.setGpr(RSP, BigInt(at));
    m.step(core, IRETQ);
    expect(core.rip).toBe(BigInt(AT.user + 8));
    expect(core.rflags).toBe(IF | 2);
  });

  test('NT is #GP(0)', () => {
    const { m, core } = machine();
    core.rflags |= 1 << 14;
    m.step(core, IRETQ);
    expect(m.delivered()).toEqual([13]);
  });

  test('data segments that the outer level may not use become null', () => {
    const { m, core } = machine();
    core.setSmall('ds', SELECTOR.kernelData);
    core.setSmall('es', SELECTOR.userData);
    push(m, core, [AT.user, SELECTOR.userCode, 2, AT.userStack, SELECTOR.userData]);
    m.step(core, IRETQ);
    expect([core.small('ds'), core.small('es')]).toEqual([0, SELECTOR.userData]);
  });

  test('unblocks NMIs, also when it faults', () => {
    const { m, core } = machine();
    for (const cs of [SELECTOR.kernelCode, SELECTOR.absent]) {
      core.rip = BigInt(AT.code);
      core.setSmall('nmiBlocked', 1);
      push(m, core, [AT.code, cs, 2, AT.stack, 0]);
      m.step(core, IRETQ);
      expect(core.small('nmiBlocked')).toBe(0);
    }
    expect(m.delivered()).toEqual([11]);
  });
});

describe('single step', () => {
  test('the trap comes after the instruction that follows the IRET that set TF', () => {
    const { m, core, frame } = machine();
    const at = AT.stack + 0x800;
    [AT.code + 2, SELECTOR.kernelCode, TF | 2, AT.stack + 0x800, 0].forEach((word, n) => {
      m.write(at + 8 * n, BigInt(word));
    });
    core.setGpr(RSP, BigInt(at));
    m.step(core, IRETQ);
    expect(m.delivered()).toEqual([]);
    m.step(core, NOP);
    expect(m.delivered()).toEqual([1]);
    expect(frame(0)).toBe(BigInt(AT.code + 3));
    expect(frame(2)).toBe(BigInt(TF | 2));
    expect(core.rflags & TF).toBe(0);
    expect(Number(core.get('dr6')) & DR6_BS).toBe(DR6_BS);
  });

  test('MOV SS holds it back for one instruction', () => {
    const { m, core, frame } = machine();
    core.setGpr(0, BigInt(SELECTOR.kernelData));
    core.rflags |= TF;
    m.step(core, '8ed0');
    expect(m.delivered()).toEqual([]);
    m.step(core, NOP);
    expect(m.delivered()).toEqual([1]);
    expect(frame(0)).toBe(BigInt(AT.code + 3));
  });

  test('SYSCALL that masks TF drops it', () => {
    const { m, core } = machine();
    core.set('star', 8n << 32n);
    core.set('lstar', BigInt(AT.code));
    core.set('sfmask', BigInt(TF));
    m.toUser(core);
    core.rflags |= TF;
    m.step(core, '0f05');
    expect(core.small('cpl')).toBe(0);
    expect(m.delivered()).toEqual([]);
  });
});
