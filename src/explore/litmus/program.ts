import type { Assembler } from '../../image/assembler/index.ts';
import { Image } from '../../image/image.ts';
import { DIRECT_MAP_BASE, KERNEL_BASE, KERNEL_CS, KERNEL_DS } from '../../kernel/layout.ts';
import { entryOf, litmusCode } from './code.ts';
import { asksFaults } from './faults.ts';
import { type HandlerKind, type LitmusTest, type LitmusVariable, usesCode, usesUserMode } from './syntax.ts';

export { registerNamed } from './code.ts';

const PAGE_BYTES = 4096n;
/** Where a test that goes to CPL 3 has its code and variables once more. */
const USER_TEXT = 0x400000n;

/** A test as machine code beside the lab kernel: thread n starts at `Pn`, each variable begins a cache line of its own. */
export interface LitmusProgram {
  readonly image: Image;
  readonly variables: readonly LitmusVariable[];
  /** Switches of the lab (`cfg_`) that make its handlers ask the test. */
  readonly switches: Readonly<Record<string, bigint>>;
}

/** Registers that a function may change, RBP for the alignment of RSP. */
const CALLER_SAVED = ['rax', 'rcx', 'rdx', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'rbp'];
const CALLEE_SAVED = ['rbx', 'rbp', 'r12', 'r13', 'r14', 'r15'];
const push = (names: readonly string[]): string[] => names.map((r) => `pushq %${r}`);
const pop = (names: readonly string[]): string[] => [...names].reverse().map((r) => `popq %${r}`);

/** SYNC as the lab does it: an IPI to every other core, awaited. */
const SYNC = [
  'litmus_sync:',
  ...push(CALLER_SAVED),
  'movq %rsp, %rbp',
  'andq $-16, %rsp',
  'call smp_text_poke_sync_each_cpu',
  'movq %rbp, %rsp',
  ...pop(CALLER_SAVED),
  'ret',
];

/** Puts the entry of `table` for this core into rax. */
const ENTRY_HERE = (table: string): string[] => ['movl %gs:0, %eax', `leaq ${table}(%rip), %rcx`, 'movq (%rcx,%rax,8), %rax'];

/**
 * bool f(struct pt_regs *): the thread goes on where its column for faults begins. One at CPL 3 cannot jump to its end, which lies in the kernel: the
 * exception that it takes there brings it to CPL 0.
 */
const FAULT = (regs: (name: string) => number): string[] => [
  'litmus_fault:',
  `testb $3, ${regs('CS')}(%rdi)`,
  'jz 1f',
  `movq $${KERNEL_CS}, ${regs('CS')}(%rdi)`,
  `movq $${KERNEL_DS}, ${regs('SS')}(%rdi)`,
  'leaq cpu_idle(%rip), %rax',
  `cmpq %rax, ${regs('IP')}(%rdi)`,
  'je 2f',
  '1:',
  ...ENTRY_HERE('litmus_fault_table'),
  `movq %rax, ${regs('IP')}(%rdi)`,
  '2:',
  'movl $1, %eax',
  'ret',
];

/** u32 f(void): runs the thread's column for the interrupt, which may change what it likes. */
const CALLED = (kind: HandlerKind): string[] => [
  `litmus_${kind}:`,
  ...push(CALLEE_SAVED),
  ...ENTRY_HERE(`litmus_${kind}_table`),
  'call *%rax',
  ...pop(CALLEE_SAVED),
  'ret',
];

const SWITCHES: readonly (readonly [string, HandlerKind])[] = [
  ['int3_fn', 'fault'],
  ['exception_fn', 'fault'],
  ['irq_fn', 'interrupt'],
  ['nmi_fn', 'nmi'],
];

/** What the test's code finds in the lab beside the lab's own functions; nothing for one that needs nothing. */
function runtime(test: LitmusTest, kinds: readonly HandlerKind[], regs: (name: string) => number): string {
  const cells = [...test.threads.flat(), ...test.handlers.flatMap((h) => h.cells)];
  return [
    ...(cells.some((cell) => /^(?:\w+\s*:)?\s*SYNC$/.test(cell)) ? SYNC : []),
    ...kinds.flatMap((kind) => (kind === 'fault' ? FAULT(regs) : CALLED(kind))),
    ...(kinds.length > 0 ? ['litmus_return:', 'ret', '.p2align 3, 0xcc'] : []),
    ...(usesUserMode(test) ? ['litmus_idle:', '.quad cpu_idle'] : []),
    ...kinds.flatMap((kind) => [`litmus_${kind}_table:`, ...test.threads.map((_, n) => `.quad ${entryOf(test, n, kind)}`)]),
  ].join('\n');
}

/** Assembles a test. `E_ASM`, `E_INSN` for an instruction or a register that is not supported, with its name. */
export function litmusProgram(test: LitmusTest, lab: Image, assembler: Assembler): LitmusProgram {
  const end = lab.segments.reduce((top, s) => (s.address + BigInt(s.memorySize) > top ? s.address + BigInt(s.memorySize) : top), 0n);
  const kinds = (['fault', 'interrupt', 'nmi'] as const).filter((kind) =>
    kind === 'fault' ? asksFaults(test) || usesUserMode(test) : test.handlers.some((h) => h.kind === kind),
  );
  const outside = ['cpu_idle', 'smp_text_poke_sync_each_cpu'].map((name) => [name, lab.symbol(name).address] as const);
  const text = (end + 2n * PAGE_BYTES) & -PAGE_BYTES;
  const user = usesUserMode(test);
  const code = litmusCode(
    test,
    {
      text,
      deltas: { run: 0n, alias: DIRECT_MAP_BASE - KERNEL_BASE, user: USER_TEXT - text },
      // In its user mapping the code lies elsewhere: the address of the end is data there.
      end: user ? 'jmp *litmus_idle(%rip)' : 'jmp cpu_idle',
      runtime: runtime(test, kinds, (name) => Number(lab.symbol(`ABI_REGS_${name}`).address)),
      symbols: new Map(outside),
    },
    assembler,
  );
  const label = (name: string, address: bigint) => ({ name, address, size: 0, kind: 'label' }) as const;
  const segment = (address: bigint, bytes: Uint8Array, executable: boolean) => ({
    address,
    physical: address - KERNEL_BASE,
    bytes,
    memorySize: Math.ceil(Math.max(1, bytes.length) / 4096) * 4096,
    readable: true,
    // A test may store to its code through the addresses at which it runs.
    writable: !executable || usesCode(test),
    executable,
  });
  const own = [segment(code.text, code.bytes, true), segment(code.data, code.initial, false)];
  const again = user ? own.map((s) => ({ ...s, address: s.address + USER_TEXT - text })) : [];
  const image = new Image({
    segments: [...again, ...lab.segments, ...own],
    entry: lab.entry,
    symbols: [...lab.symbols, ...[...code.symbols].map(([n, a]) => label(n, a))],
  });
  const switches = SWITCHES.filter(([, kind]) => kinds.includes(kind)).map(([name, kind]) => [
    name,
    image.symbol(`litmus_${kind}`).address,
  ]);
  return { image, variables: code.variables, switches: Object.fromEntries(switches) };
}
