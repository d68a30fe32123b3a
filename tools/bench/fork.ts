import { GuestMachine } from './guest-machine.ts';
import { cpuSeconds, median, type Row } from './measure.ts';

const STORES = 10;
const FORKS = 200_000;

/** mov %rax, 8*n(%rdi), ten times, then a jump back to the first. */
const CODE = Uint8Array.from([...Array.from({ length: STORES }, (_, n) => [0x48, 0x89, 0x47, 8 * n]).flat(), 0xeb, 256 - (STORES * 4 + 2)]);

/** Mark, ten guest stores that each change memory, undo: how often a second. Throws when the undone state is not the state before. */
export function forkRow(rounds: number): Row {
  const guest = new GuestMachine(CODE);
  const { machine } = guest;
  const core = machine.cores[0]!;
  guest.start();
  core.setGpr(0, 0x1122334455667788n);
  core.setGpr(7, 0x600000n);
  // Long runs first: the dispatch is generated for the forms in use.
  for (let n = 0; n < 8; n++) machine.runCore(core, (STORES + 1) * 10_000);
  for (let n = 0; n < STORES; n++) machine.writePhysical(0x600000 + 8 * n, 8, BigInt(n));
  // What ran so far will not be undone: the journal starts here.
  machine.engine.globals.journalTop.value = machine.engine.map.journal;
  const before = machine.hash();
  const forks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { seconds } = cpuSeconds(() => {
      for (let n = 0; n < FORKS; n++) {
        const mark = machine.mark();
        machine.runCore(core, STORES);
        machine.rollback(mark);
      }
    });
    forks.push(FORKS / seconds);
  }
  if (machine.hash() !== before) throw new Error('a fork that was undone left another state');
  const mark = machine.mark();
  machine.runCore(core, STORES);
  if (machine.hash() === before || machine.readPhysical(0x600000 + 8 * (STORES - 1), 8) !== core.gpr(0))
    throw new Error('the fork did not store');
  machine.rollback(mark);
  return {
    group: 'fork',
    name: `fork and rollback of ${STORES} stores`,
    values: { 'per second': median(forks) },
    goal: { value: 'per second', atLeast: 1e6 },
  };
}
