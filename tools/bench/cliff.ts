import { loadAssembler } from '../../src/image/assembler/index.ts';
import { Activity } from '../../src/isa/core-state.ts';
import type { EngineName } from '../../src/machine/machine.ts';
import { flatImage, GuestMachine, LOAD_AT } from './guest-machine.ts';
import { cpuSeconds, median, type Row } from './measure.ts';
import type { Peer } from './peers.ts';

const FAR = 0x4000;
/** Instructions of the loop between two stores of the other core into it. */
const BETWEEN = 10_000;
const WARM_RUNS = 3;
/** Rounds of the loops: the reference does a thousandth in the same time. */
const ROUNDS: Readonly<Record<EngineName, number>> = { reference: 10_000, interpreter: 500_000, region: 1_000_000 };

/** A loop of plain stores and loads. `at` is where its data lies: beside the code, or on a page of its own. */
const beside =
  (at: string) =>
  (rounds: number): string =>
    `
  mov $${rounds}, %ecx
  lea ${at}, %rbx
1: add %rcx, (%rbx)
  mov (%rbx), %rax
  lea 7(%rax,%rcx), %rdx
  mov %rdx, 8(%rbx)
  imul %rdx, %rax
  xor %rax, %rdx
  mov %rdx, 16(%rbx)
  add $1, %rax
  dec %ecx
  jnz 1b
  hlt
.balign 256
data: .fill 64, 1, 0
`;

/** A loop that changes one of its own instructions by `store` every so many rounds; with 2^30 never. */
const selfModifying =
  (instruction: string, store: string, every: number) =>
  (rounds: number): string =>
    `
  mov $${rounds}, %ecx
  xor %eax, %eax
  lea ${FAR}+start(%rip), %rbx
start:
1: test $${every - 1}, %ecx
  jnz 2f
  ${store}
2:
patched: ${instruction}
  lea 3(%rax,%rax), %rdx
3: xor %rdx, %rax
  mov %rax, (%rbx)
  dec %ecx
  jnz 1b
  hlt
# Another core: stores into the loop, and elsewhere.
.balign 128
writer: incb patched+2(%rip)
  jmp writer
.balign 128
elsewhere: incb ${FAR}+patched(%rip)
  jmp elsewhere
`;
const NEVER = 1 << 30;
const immediate = (every: number) => selfModifying('add $5, %eax', 'mov %ch, patched+2(%rip)', every);
/** A short jump over the LEA becomes `cmp $4, %al` and back. */
const branch = (every: number) => selfModifying('jmp 3f', 'xorb $0xd7, patched(%rip)', every);

const assembler = await loadAssembler();

function guestOf(source: string, engine: EngineName, cores = 1): { guest: GuestMachine; symbols: ReadonlyMap<string, bigint> } {
  const { bytes, symbols } = assembler.assemble(source, { address: BigInt(LOAD_AT), file: 'cliff.s' });
  return { guest: new GuestMachine(bytes, { engine, cores }), symbols };
}

/** Medians of the CPU seconds of two things that are done in turn. */
function secondsOf(rounds: number, bodies: readonly [() => unknown, () => unknown]): readonly [number, number] {
  for (let n = 0; n < WARM_RUNS; n++) for (const body of bodies) body();
  const seconds: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds; n++) bodies.forEach((body, k) => seconds[k]!.push(cpuSeconds(body).seconds));
  return [median(seconds[0]), median(seconds[1])];
}

/** The loop on one core while the other stores at `target` each so many instructions. */
function besideWriter(engine: EngineName, target: string): () => unknown {
  const { guest, symbols } = guestOf(immediate(NEVER)(ROUNDS[engine]), engine, 2);
  const [, writer] = guest.machine.cores;
  return () => {
    writer!.rip = symbols.get(target)!;
    writer!.setSmall('activity', Activity.running);
    return guest.run(BETWEEN, () => guest.machine.runCore(writer!, 2));
  };
}

/** Code beside data, and code that changes itself or is changed, against the same work without: other translators fall off a cliff there. */
export function cliffRows(rounds: number, peers: readonly Peer[]): Row[] {
  return (Object.keys(ROUNDS) as EngineName[]).flatMap((engine) => {
    const loop = (source: (rounds: number) => string): (() => unknown) => {
      const { guest } = guestOf(source(ROUNDS[engine]), engine);
      return () => guest.run();
    };
    const kernel = (name: 'hash' | 'beside'): (() => unknown) => {
      const guest = new GuestMachine(flatImage(name), { engine });
      return () => guest.run();
    };
    const row = (name: string, bodies: readonly [() => unknown, () => unknown]): Row => {
      const [without, seconds] = secondsOf(rounds, bodies);
      return {
        group: 'cliff',
        name: `${engine}: ${name}`,
        values: { 'ms without': without * 1e3, ms: seconds * 1e3, times: seconds / without },
        goal: { value: 'times', atMost: 3 },
      };
    };
    return [
      row('data on the page of the code', [loop(beside(`${FAR}+data(%rip)`)), loop(beside('data(%rip)'))]),
      // The reference takes minutes for it.
      ...(engine === 'reference'
        ? []
        : [hashRow(row('hash, its .bss on the page of its code', [kernel('hash'), kernel('beside')]), peers)]),
      row('an immediate changes each 1024 rounds', [loop(immediate(NEVER)), loop(immediate(1024))]),
      row('a jump becomes a comparison or a jump again each 1024 rounds', [loop(branch(NEVER)), loop(branch(1024))]),
      row(`another core stores into the loop each ${BETWEEN} instructions`, [
        besideWriter(engine, 'elsewhere'),
        besideWriter(engine, 'writer'),
      ]),
    ];
  });
}

/** The same two programs under the emulators that are here. */
function hashRow(row: Row, peers: readonly Peer[]): Row {
  const times = peers
    .filter(({ name }) => name === 'unicorn')
    .flatMap((peer) => {
      const [without, seconds] = [peer.run('hash'), peer.run('beside')];
      return without === undefined || seconds === undefined ? [] : [[`${peer.name} times`, seconds.seconds / without.seconds] as const];
    });
  return { ...row, values: { ...row.values, ...Object.fromEntries(times) } };
}
