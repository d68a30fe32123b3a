import { describe, expect, test } from 'vitest';
import { World } from '../../src/explore/world.ts';
import { PRIVATE, PRIVATE_BASE } from '../../src/kernel/layout.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import { locLayout } from '../../src/scenario/lab-world.ts';
import { lab } from '../fixtures/lab.ts';

const RSP = 4;
const IF = 0x200n;
const FLAG = { CF: 1n, PF: 4n, ZF: 0x40n, SF: 0x80n, OF: 0x800n } as const;
/** A return address that stands on the interrupted stack. */
const CALLER = lab.symbol('target_c').address;

interface Left {
  readonly site: bigint;
  /** The interrupted stack pointer. */
  readonly r: bigint;
  readonly rip: bigint;
  readonly rsp: bigint;
  /** What stands at R - 8. */
  readonly pushed: bigint;
  readonly untouched: boolean;
}

/** Executes an INT3 at the call site `site_call_q0_insn` and gives what the IRET of its handler leaves. */
function emulate(engine: EngineName, prepare: (world: World, site: bigint) => void, flags = 0n): Left {
  const world = new World(lab, { cores: 1, explore: { memory: 'tso', fetch: fetchPolicy('coherent')! }, engine });
  const kernel = world.lab;
  const core = world.machine.cores[0]!;
  const site = kernel.symbol('site_call_q0_insn');
  kernel.poke(site, 1, 0xccn);
  prepare(world, site);
  world.add({ core: 0, entry: 'site_call_q0_insn' });
  const r = PRIVATE_BASE + BigInt((PRIVATE.stack + 1) * 4096 - 256);
  core.setGpr(RSP, r);
  for (let n = 0; n < 16; n++) if (n !== RSP) core.setGpr(n, 0x1111111111111111n * BigInt(n));
  world.machine.writePhysical(kernel.privatePage(0, PRIVATE.stack) + 4096 - 256, 8, CALLER);
  core.rflags = Number(IF | flags | 2n);
  let left: Left | undefined;
  world.machine.observers.push((event) => {
    if (event.kind !== 'iret' || left !== undefined) return;
    const registers = Array.from({ length: 16 }, (_, n) => n === RSP || core.gpr(n) === 0x1111111111111111n * BigInt(n)).every(
      (same) => same,
    );
    left = {
      site,
      r,
      rip: core.rip,
      rsp: core.gpr(RSP),
      pushed: kernel.readLong(0, r - 8n),
      untouched: registers && BigInt(core.rflags) === (IF | flags | 2n),
    };
  });
  world.begin();
  if (left === undefined) throw new Error('the handler never returned');
  return left;
}

/** One record of the array of today, and a reference for the core. */
const record =
  (of: { readonly opcode: number; readonly length: number; readonly disp: number }) =>
  (world: World, site: bigint): void => {
    const kernel = world.lab;
    const layout = locLayout(kernel);
    const array = kernel.symbol('text_poke_array');
    kernel.configure({ int3_handler: kernel.abi('INT3_BP_REFS') });
    kernel.poke(array + BigInt(layout.address), 8, site);
    kernel.poke(array + BigInt(layout.disp), 4, BigInt(of.disp));
    kernel.poke(array + BigInt(layout.length), 1, BigInt(of.length));
    kernel.poke(array + BigInt(layout.opcode), 1, BigInt(of.opcode));
    kernel.poke(array + BigInt(layout.count), 4, 1n);
    world.machine.peek(kernel.privatePage(0, PRIVATE.percpu) + kernel.abi('PERCPU_REFS'), 1)[0] = 1;
  };

const distance = (from: bigint, to: string): number => Number(lab.symbol(to).address - from);
const S = lab.symbol('site_call_q0_insn').address;

describe.each(['interpreter', 'reference'] as const)('what the #BP handler leaves, %s', (engine) => {
  test('call: the return address is pushed and control is at the target', () => {
    const left = emulate(engine, record({ opcode: 0xe8, length: 5, disp: distance(S + 5n, 'target_b') }));
    expect(left).toMatchObject({ rip: lab.symbol('target_b').address, rsp: left.r - 8n, pushed: S + 5n, untouched: true });
  });

  test('nop5 and nop2: control is behind them', () => {
    expect(emulate(engine, record({ opcode: 0x90, length: 5, disp: 0 }))).toMatchObject({ rip: S + 5n, untouched: true });
    const two = emulate(engine, record({ opcode: 0x90, length: 2, disp: 0 }));
    expect(two).toMatchObject({ rip: S + 2n, rsp: two.r });
  });

  test('jmp rel32 and jmp rel8', () => {
    const far = emulate(engine, record({ opcode: 0xe9, length: 5, disp: distance(S + 5n, 'target_b') }));
    expect(far).toMatchObject({ rip: lab.symbol('target_b').address, rsp: far.r, untouched: true });
    expect(emulate(engine, record({ opcode: 0xeb, length: 2, disp: 0x7e }))).toMatchObject({ rip: S + 0x80n });
    expect(emulate(engine, record({ opcode: 0xeb, length: 2, disp: -2 }))).toMatchObject({ rip: S });
  });

  test('ret: control is at what was on the stack', () => {
    const left = emulate(engine, record({ opcode: 0xc3, length: 5, disp: 0 }));
    expect(left).toMatchObject({ rip: CALLER, rsp: left.r + 8n, untouched: true });
  });

  test('return 0 is emulated as a call to an equivalent function, like any other call', () => {
    const left = emulate(engine, record({ opcode: 0xe8, length: 5, disp: distance(S + 5n, 'ftrace_stub') }));
    expect(left).toMatchObject({ rip: lab.symbol('ftrace_stub').address, rsp: left.r - 8n, pushed: S + 5n });
  });

  // SDM Vol. 1, "EFLAGS Condition Codes": what each condition needs, written down apart from the handler.
  const CONDITIONS: readonly (readonly [string, (f: bigint) => boolean])[] = [
    ['o', (f) => (f & FLAG.OF) !== 0n],
    ['no', (f) => (f & FLAG.OF) === 0n],
    ['b', (f) => (f & FLAG.CF) !== 0n],
    ['ae', (f) => (f & FLAG.CF) === 0n],
    ['e', (f) => (f & FLAG.ZF) !== 0n],
    ['ne', (f) => (f & FLAG.ZF) === 0n],
    ['be', (f) => (f & (FLAG.CF | FLAG.ZF)) !== 0n],
    ['a', (f) => (f & (FLAG.CF | FLAG.ZF)) === 0n],
    ['s', (f) => (f & FLAG.SF) !== 0n],
    ['ns', (f) => (f & FLAG.SF) === 0n],
    ['p', (f) => (f & FLAG.PF) !== 0n],
    ['np', (f) => (f & FLAG.PF) === 0n],
    ['l', (f) => ((f & FLAG.SF) !== 0n) !== ((f & FLAG.OF) !== 0n)],
    ['ge', (f) => ((f & FLAG.SF) !== 0n) === ((f & FLAG.OF) !== 0n)],
    ['le', (f) => (f & FLAG.ZF) !== 0n || ((f & FLAG.SF) !== 0n) !== ((f & FLAG.OF) !== 0n)],
    ['g', (f) => (f & FLAG.ZF) === 0n && ((f & FLAG.SF) !== 0n) === ((f & FLAG.OF) !== 0n)],
  ];
  const SETTINGS = [0n, ...Object.values(FLAG), FLAG.SF | FLAG.OF];

  test.each(CONDITIONS.map(([name, holds], code) => ({ name, holds, code })))('j$name', ({ holds, code }) => {
    for (const flags of SETTINGS) {
      const left = emulate(engine, record({ opcode: 0x70 + code, length: 6, disp: distance(S + 6n, 'target_b') }), flags);
      expect(left, `flags ${flags.toString(16)}`).toMatchObject({
        rip: holds(flags) ? lab.symbol('target_b').address : S + 6n,
        rsp: left.r,
        untouched: true,
      });
    }
  });

  const ftrace =
    (target: string | undefined, more: Readonly<Record<string, string>> = {}) =>
    (world: World, site: bigint): void => {
      const kernel = world.lab;
      kernel.configure({
        int3_handler: kernel.abi('INT3_FTRACE'),
        ...Object.fromEntries(Object.entries(more).map(([k, v]) => [k, kernel.abi(v)])),
      });
      kernel.poke(kernel.symbol('modifying_ftrace_code'), 4, 1n);
      kernel.poke(kernel.symbol('ftrace_update_ip'), 8, site);
      kernel.poke(kernel.symbol('ftrace_update_target'), 8, target === undefined ? 0n : kernel.symbol(target));
    };

  test("ftrace's own: call of the target, a NOP without one, and the old skip whatever comes", () => {
    const call = emulate(engine, ftrace('target_b'));
    expect(call).toMatchObject({ rip: lab.symbol('target_b').address, rsp: call.r - 8n, pushed: S + 5n, untouched: true });
    const nop = emulate(engine, ftrace(undefined));
    expect(nop).toMatchObject({ rip: S + 5n, rsp: nop.r, untouched: true });
    for (const target of ['target_b', undefined]) {
      const skip = emulate(engine, ftrace(target, { ftrace_emulate: 'FTRACE_SKIP' }));
      expect(skip).toMatchObject({ rip: S + 5n, rsp: skip.r, untouched: true });
    }
  });

  test('text_poke_bp of v3.12: control is where the writer said', () => {
    const left = emulate(engine, (world, site) => {
      const kernel = world.lab;
      kernel.configure({ int3_handler: kernel.abi('INT3_BP_V1') });
      kernel.poke(kernel.symbol('bp_patching_in_progress'), 4, 1n);
      kernel.poke(kernel.symbol('bp_int3_addr'), 8, site + 1n);
      kernel.poke(kernel.symbol('bp_int3_handler'), 8, kernel.symbol('target_c'));
    });
    expect(left).toMatchObject({ rip: lab.symbol('target_c').address, rsp: left.r, untouched: true });
  });

  test('an INT3 that nobody knows is not emulated', () => {
    expect(() => emulate(engine, (world) => world.lab.configure({ int3_handler: world.lab.abi('INT3_BP_REFS') }))).toThrow(
      'the handler never returned',
    );
  });
});
