import { Vector } from '../../isa/core-state.ts';
import type { Checker } from '../checker.ts';
import { CHECK_TITLES, type CheckId, type ViolationCause } from '../violation.ts';
import type { World } from '../world.ts';

const EXCEPTION_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Vector).map(([name, number]) => [Number(number), `#${name}`]));

/** I1, I6 and unexpected exceptions: what the guest itself cannot survive, told by its die hypercall and by the machine. */
export const death: Checker = {
  name: 'death',
  onEvent(event, world) {
    const { lab } = world;
    if (event.kind === 'shutdown') {
      world.report({ check: 'I6', message: `CPU${event.core} shuts down: ${event.why}`, core: event.core, rip: event.rip });
      return;
    }
    if (event.kind === 'exception' && event.vector === Vector.DF) {
      world.report({ check: 'I6', message: `double fault on CPU${event.core}`, core: event.core, rip: event.rip });
      return;
    }
    if (event.kind === 'fail') {
      const check = event.check in CHECK_TITLES ? (event.check as CheckId) : 'assertion';
      world.report({ check, message: `CPU${event.core}: ${event.message}`, core: event.core, rip: world.machine.cores[event.core]!.rip });
      return;
    }
    if (event.kind !== 'die') return;
    const core = world.machine.cores[event.core]!;
    const ip = event.regs === 0n ? core.rip : lab.readLong(event.core, event.regs + BigInt(lab.abi('REGS_IP')));
    const at = lab.image.describe(event.reason === lab.abi('DIE_INT3') ? ip - 1n : ip);
    const [check, message] = explain(event.reason, at, (name) => lab.abi(name));
    const cause = event.reason === lab.abi('DIE_INT3') ? causeOfUnclaimed(world, ip - 1n) : undefined;
    const why = cause === undefined ? '' : `, ${sayCause(world, cause)}`;
    world.report({
      check,
      ...(cause === undefined ? {} : { cause }),
      message: `CPU${event.core}: ${message}${why}`,
      core: event.core,
      rip: ip,
    });
  },
};

/** What the handler of ftrace found in its globals, which are as it read them: nobody moved since. */
function causeOfUnclaimed(world: World, site: bigint): ViolationCause | undefined {
  const { lab } = world;
  if (lab.readLong(0, lab.symbol('cfg_int3_handler')) !== BigInt(lab.abi('INT3_FTRACE'))) return undefined;
  const word = (name: string): bigint => lab.readLong(0, lab.symbol(name)) & 0xffffffffn;
  if (word('modifying_ftrace_code') === 0n) return 'nothing-in-progress';
  return lab.readLong(0, lab.symbol('ftrace_update_ip')) === site ? undefined : 'another-modification';
}

function sayCause(world: World, cause: ViolationCause): string {
  const { lab } = world;
  return cause === 'nothing-in-progress'
    ? 'modifying_ftrace_code is 0'
    : `the globals are those of ${lab.image.describe(lab.readLong(0, lab.symbol('ftrace_update_ip')))}`;
}

function explain(reason: number, at: string, abi: (name: string) => number): [CheckId, string] {
  if (reason === abi('DIE_INT3')) return ['I1', `int3 at ${at} claimed by nobody: die("int3")`];
  if (reason === abi('DIE_OLD_BYTES')) return ['I12', `the patcher found other bytes than expected at ${at}`];
  if (reason === abi('DIE_POKE_MISMATCH')) return ['I12', `text read back after a poke differs, at ${at}`];
  if (reason === abi('DIE_STALE_TRANSLATION')) return ['assertion', 'a translation survived its invalidation and was executed'];
  if (reason === abi('DIE_WRONG_RESULT')) return ['assertion', `a function under patching returned an impossible value, at ${at}`];
  const exception = abi('DIE_EXCEPTION');
  if (reason >= exception) return ['exception', `${EXCEPTION_NAMES.get(reason - exception) ?? `vector ${reason - exception}`} at ${at}`];
  return ['assertion', `the guest gave up with reason ${reason} at ${at}`];
}
