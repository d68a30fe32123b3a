import { loadAssembler } from '../../src/image/assembler/index.ts';
import { fetchPolicy } from '../../src/machine/policy/index.ts';
import { GuestMachine, LOAD_AT, RAM_BYTES } from './guest-machine.ts';
import { cpuSeconds, median, type Row } from './measure.ts';

/** Where the core's own pages begin. */
const PRIVATE_AT = 0x400000;
const WARM_STEPS = 60;
/** Instructions that are measured in each round. */
const INSTRUCTIONS = 4_000_000;

interface Stretch {
  readonly name: string;
  readonly source: string;
  readonly atLeast: number;
}

/** What a kernel does between two accesses that others see: long, and so short that nothing is worth compiling. */
const STRETCHES: readonly Stretch[] = [
  {
    name: 'memset of 64 KiB by quadwords',
    source: 'mov $8192, %ecx\n1: mov %rax, (%rdi)\nadd $8, %rdi\ndec %ecx\njnz 1b\nhlt',
    atLeast: 2,
  },
  {
    name: 'hash of 16 KiB by bytes',
    source: `mov $16384, %ecx\nmov $0x811c9dc5, %eax
1: movzbl (%rdi), %edx\nxor %edx, %eax\nimul $0x1000193, %eax, %eax\ninc %rdi\ndec %ecx\njnz 1b\nhlt`,
    atLeast: 2,
  },
  {
    name: 'walk of a list of 64 elements, 200 times',
    source: `mov $64, %ecx\nmov %rdi, %rbx
1: lea 128(%rbx), %rdx\nmov %rdx, (%rbx)\nmov %rcx, 8(%rbx)\nmov %rdx, %rbx\ndec %ecx\njnz 1b\nmovq $0, -128(%rbx)
mov $200, %ecx
2: mov %rdi, %rbx
3: add 8(%rbx), %rax\nmov (%rbx), %rbx\ntest %rbx, %rbx\njnz 3b\ndec %ecx\njnz 2b\nhlt`,
    atLeast: 2,
  },
  { name: 'a loop of 100 instructions', source: 'mov $24, %ecx\n1: mov %rax, (%rdi)\nadd $8, %rdi\ndec %ecx\njnz 1b\nhlt', atLeast: 0.9 },
];

const assembler = await loadAssembler();

/** A machine of the explorer whose core 0 is at the start of a stretch of instructions that nobody else sees anything of. */
function guestFor(engine: 'interpreter' | 'region', bytes: Uint8Array): GuestMachine {
  const guest = new GuestMachine(bytes, { cores: 2, engine, explore: { memory: 'tso', fetch: fetchPolicy('intel-sdm')! } });
  for (let page = PRIVATE_AT; page < RAM_BYTES; page += 4096) guest.machine.setPrivate(page, 0, (page - PRIVATE_AT) / 4096);
  guest.machine.text?.reset();
  guest.start();
  guest.machine.cores[0]!.setGpr(7, BigInt(PRIVATE_AT));
  return guest;
}

/** Does a transition and undoes it: how many instructions that took, and with `hash` the state in between. */
function transition(guest: GuestMachine, hash = false): { instructions: number; state: string } {
  const { machine } = guest;
  const mark = machine.mark();
  machine.settle(machine.cores[0]!);
  const instructions = 200_000 - machine.left;
  const state = hash ? machine.hash() : '';
  machine.rollback(mark);
  return { instructions, state };
}

/** Private stretches of a transition in the explorer, undone each time: interpreter against compiled regions. Throws when the states differ. */
export function privateRows(rounds: number): Row[] {
  return STRETCHES.map(({ name, source, atLeast }) => {
    const { bytes } = assembler.assemble(source, { address: BigInt(LOAD_AT), file: 'private.s' });
    const guests = (['interpreter', 'region'] as const).map((engine) => guestFor(engine, bytes));
    for (const guest of guests) {
      for (let n = 0; n < WARM_STEPS; n++) transition(guest);
      guest.machine.engine.inlineForms();
      for (let n = 0; n < WARM_STEPS; n++) transition(guest);
    }
    const [one, other] = guests.map((guest) => transition(guest, true));
    if (one!.state !== other!.state) throw new Error(`${name}: other states under the region compiler`);
    const { instructions } = one!;
    const times = Math.ceil(INSTRUCTIONS / instructions);
    const spent: number[][] = guests.map(() => []);
    for (let round = 0; round < rounds; round++)
      guests.forEach((guest, k) => {
        const { seconds } = cpuSeconds(() => {
          for (let n = 0; n < times; n++) transition(guest);
        });
        spent[k]!.push(seconds);
      });
    const [interpreter, region] = spent.map((seconds) => (instructions * times) / median(seconds) / 1e6) as [number, number];
    const values = { instructions, 'interpreter MIPS': interpreter, 'region MIPS': region, times: region / interpreter };
    return { group: 'private', name, values, goal: { value: 'times', atLeast } };
  });
}
