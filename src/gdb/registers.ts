import { CORE } from '../engine/layout.ts';
import { type StateWord, x87Offset, ymmOffset } from '../isa/core-state.ts';
import type { Core } from '../machine/core.ts';
import { pendingInterrupts } from '../machine/look.ts';
import type { Target } from './target.ts';

/** One register as gdb numbers and shows it. */
export interface Register {
  readonly name: string;
  readonly bits: number;
  readonly type: string;
  readonly group?: string;
  readonly read: (core: Core, target: Target) => bigint;
}

/** Registers that gdb takes together. */
export interface Feature {
  readonly name: string;
  /** Types of XML that its registers use. */
  readonly types?: string;
  readonly registers: readonly Register[];
}

/** In gdb's order, by the numbers of their encodings. */
const GENERAL = [0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15];
const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const;

const EIGHT = Array.from({ length: 8 }, (_, n) => n);
const SIXTEEN = Array.from({ length: 16 }, (_, n) => n);
const word =
  (name: StateWord): Register['read'] =>
  (core) =>
    core.get(name);

/** Bytes of the core's block, lowest first. */
function wide({ timeline }: Target, core: Core, offset: number, bytes: number): bigint {
  let value = 0n;
  for (let n = bytes - 1; n >= 0; n--) value = (value << 8n) | BigInt(timeline.machine.engine.bytes[core.base + offset + n] as number);
  return value;
}

/** The physical x87 register that is ST(0). */
const top = (core: Core): number => (core.small('fsw') >> 11) & 7;

/** The x87 words as gdb knows them, which are those of FNSAVE. */
const FPU_WORDS: readonly (readonly [name: string, read: Register['read']])[] = [
  ['fctrl', word('fcw')],
  ['fstat', word('fsw')],
  ['ftag', fullTags],
  ['fiseg', () => 0n],
  ['fioff', (core) => core.get('fip') & 0xffffffffn],
  ['foseg', () => 0n],
  ['fooff', (core) => core.get('fdp') & 0xffffffffn],
  ['fop', word('fop')],
];

const CORE_FEATURE: Feature = {
  name: 'org.gnu.gdb.i386.core',
  types: flagsType(
    'i386_eflags',
    4,
    'CF:0 PF:2 AF:4 ZF:6 SF:7 TF:8 IF:9 DF:10 OF:11 NT:14 RF:16 VM:17 AC:18 VIF:19 VIP:20 ID:21 IOPL:12-13',
  ),
  registers: [
    ...GENERAL.map((n) => ({
      name: NAMES[n] as string,
      bits: 64,
      type: n === 4 || n === 5 ? 'data_ptr' : 'int64',
      read: (core: Core) => core.gpr(n),
    })),
    // An address that gdb can look at: outside 64-bit mode RIP alone is an offset in CS.
    { name: 'rip', bits: 64, type: 'code_ptr', read: (core) => core.linearRip },
    { name: 'eflags', bits: 32, type: 'i386_eflags', read: (core) => BigInt(core.rflags >>> 0) },
    ...SEGMENTS.map((name) => ({ name, bits: 32, type: 'int32', read: word(name) })),
    ...EIGHT.map((n) => ({
      name: `st${n}`,
      bits: 80,
      type: 'i387_ext',
      read: (core: Core, target: Target) => wide(target, core, x87Offset((top(core) + n) & 7), 10),
    })),
    ...FPU_WORDS.map(([name, read]) => ({ name, bits: 32, type: 'int', group: 'float', read })),
  ],
};

const SSE: Feature = {
  name: 'org.gnu.gdb.i386.sse',
  types: [
    vector('v8bf16', 'bfloat16', 8),
    vector('v8h', 'ieee_half', 8),
    vector('v4f', 'ieee_single', 4),
    vector('v2d', 'ieee_double', 2),
    vector('v16i8', 'int8', 16),
    vector('v8i16', 'int16', 8),
    vector('v4i32', 'int32', 4),
    vector('v2i64', 'int64', 2),
    '<union id="vec128"><field name="v8_bfloat16" type="v8bf16"/><field name="v8_half" type="v8h"/><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>',
    flagsType('i386_mxcsr', 4, 'IE:0 DE:1 ZE:2 OE:3 UE:4 PE:5 DAZ:6 IM:7 DM:8 ZM:9 OM:10 UM:11 PM:12 FZ:15'),
  ].join(''),
  registers: [
    ...SIXTEEN.map((n) => ({
      name: `xmm${n}`,
      bits: 128,
      type: 'vec128',
      read: (core: Core, target: Target) => wide(target, core, ymmOffset(n), 16),
    })),
    { name: 'mxcsr', bits: 32, type: 'i386_mxcsr', group: 'vector', read: word('mxcsr') },
  ],
};

const AVX: Feature = {
  name: 'org.gnu.gdb.i386.avx',
  registers: SIXTEEN.map((n) => ({
    name: `ymm${n}h`,
    bits: 128,
    type: 'uint128',
    read: (core: Core, target: Target) => wide(target, core, ymmOffset(n) + 16, 16),
  })),
};

const SEGMENT_BASES: Feature = {
  name: 'org.gnu.gdb.i386.segments',
  registers: (['fsBase', 'gsBase'] as const).map((name) => ({
    name: name === 'fsBase' ? 'fs_base' : 'gs_base',
    bits: 64,
    type: 'int',
    read: word(name),
  })),
};

const SYSTEM_WORDS: readonly (readonly [name: string, word: StateWord, type?: string])[] = [
  ['cr0', 'cr0', 'x86_cr0'],
  ['cr2', 'cr2', 'data_ptr'],
  ['cr3', 'cr3'],
  ['cr4', 'cr4', 'x86_cr4'],
  ['cr8', 'cr8'],
  ['efer', 'efer', 'x86_efer'],
  ['k_gs_base', 'kernelGsBase'],
  ['gdtr_base', 'gdtrBase', 'data_ptr'],
  ['idtr_base', 'idtrBase', 'data_ptr'],
  ['tr_base', 'trBase', 'data_ptr'],
  ['lstar', 'lstar', 'code_ptr'],
  ['dr6', 'dr6'],
  ['dr7', 'dr7'],
];

/** What a core is besides what its manual lists. `info registers system` shows them, `p $stale` each. */
const SYSTEM: Feature = {
  name: 'org.textpoke.x86.system',
  types: [
    flagsType('x86_cr0', 8, 'PE:0 MP:1 EM:2 TS:3 ET:4 NE:5 WP:16 AM:18 NW:29 CD:30 PG:31'),
    flagsType(
      'x86_cr4',
      8,
      'VME:0 PVI:1 TSD:2 DE:3 PSE:4 PAE:5 MCE:6 PGE:7 PCE:8 OSFXSR:9 OSXMMEXCPT:10 UMIP:11 FSGSBASE:16 OSXSAVE:18 SMEP:20 SMAP:21',
    ),
    flagsType('x86_efer', 8, 'SCE:0 LME:8 LMA:10 NXE:11'),
    '<enum id="core_activity" size="4"><evalue name="running" value="0"/><evalue name="halted" value="1"/><evalue name="wait_for_sipi" value="2"/><evalue name="shutdown" value="3"/><evalue name="exited" value="4"/></enum>',
  ].join(''),
  registers: [
    ...SYSTEM_WORDS.map(([name, state, type]) => ({ name, bits: 64, type: type ?? 'int64', group: 'system', read: word(state) })),
    { name: 'activity', bits: 32, type: 'core_activity', group: 'system', read: word('activity') },
    { name: 'pending_irq', bits: 32, type: 'int', group: 'system', read: pendingVector },
    { name: 'store_buffer', bits: 32, type: 'int', group: 'system', read: (core) => BigInt(core.raw(CORE.storeBufferCount)) },
    { name: 'stale', bits: 32, type: 'int', group: 'system', read: (core, { schedule }) => BigInt(schedule?.staleSites(core).length ?? 0) },
    {
      name: 'icache_gen',
      bits: 64,
      type: 'int',
      group: 'system',
      read: (core, { schedule, timeline }) => BigInt(schedule?.serializedAt(core) ?? timeline.position.at),
    },
    { name: 'pos', bits: 64, type: 'int', group: 'system', read: (_, { timeline }) => BigInt(timeline.position.at) },
    { name: 'pos_inside', bits: 32, type: 'int', group: 'system', read: (_, { timeline }) => BigInt(timeline.position.inside) },
  ],
};

/** The size of code that gdb takes all code for, from the beginning to the end of a connection. */
export type Bits = 16 | 32 | 64;

/** What gdb takes a core for. */
export interface RegisterFile {
  readonly bits: Bits;
  readonly architecture: string;
  readonly features: readonly Feature[];
  /** By their numbers in `p` packets. */
  readonly registers: readonly Register[];
  /** The first so many are in a `g` packet; gdb asks for the others one by one, when it wants them. */
  readonly inG: number;
  /** The program counter. */
  readonly counter: string;
}

const ARCHITECTURES = { 16: 'i8086', 32: 'i386', 64: 'i386:x86-64' } as const;

function fileOf(bits: Bits, features: readonly Feature[]): RegisterFile {
  const registers = features.flatMap((feature) => feature.registers);
  const inG = registers.length - features.at(-1)!.registers.length;
  return { bits, architecture: ARCHITECTURES[bits], features, registers, inG, counter: bits === 64 ? 'rip' : 'eip' };
}

const WIDE = fileOf(64, [CORE_FEATURE, SSE, SEGMENT_BASES, AVX, SYSTEM]);

/** What a program of 32 bits knows of the core: low halves, half of the vector registers. */
const NARROW = fileOf(32, [
  {
    ...CORE_FEATURE,
    registers: [
      ...EIGHT.map((n) => ({
        name: `e${NAMES[n]!.slice(1)}`,
        bits: 32,
        type: n === 4 || n === 5 ? 'data_ptr' : 'int32',
        read: (core: Core) => core.gpr(n),
      })),
      ...CORE_FEATURE.registers.slice(NAMES.length).map((r) => (r.name === 'rip' ? { ...r, name: 'eip', bits: 32 } : r)),
    ],
  },
  { ...SSE, registers: SSE.registers.filter((r) => !isUpper(r)) },
  { ...AVX, registers: AVX.registers.filter((r) => !isUpper(r)) },
  // A pointer has 32 bits there, these registers have 64.
  { ...SYSTEM, registers: SYSTEM.registers.map((r) => (r.type.endsWith('_ptr') ? { ...r, type: 'int64' } : r)) },
]);

const REAL: RegisterFile = fileOf(16, NARROW.features);

export const registerFile = (bits: Bits): RegisterFile => ({ 16: REAL, 32: NARROW, 64: WIDE })[bits];

/** XMM8 to XMM15 and their upper halves. */
function isUpper({ name }: Register): boolean {
  return Number(/^[xy]mm(\d+)/.exec(name)?.[1] ?? 0) >= 8;
}

/** The value of a register as the protocol has it: little-endian. */
export function registerHex({ bits, read }: Register, core: Core, target: Target): string {
  let value = read(core, target);
  let out = '';
  for (let n = 0; n < bits / 8; n++) {
    out += (value & 0xffn).toString(16).padStart(2, '0');
    value >>= 8n;
  }
  return out;
}

/** The vector that is taken next of those that wait; 2 for an NMI, 0 for none. */
function pendingVector(core: Core): bigint {
  const [first] = pendingInterrupts(core);
  return first === 'nmi' ? 2n : BigInt(first ?? 0);
}

/** The tag word with two bits for each physical register, of the one with one bit (SDM Vol. 1, "x87 FPU Tag Word"): what is not empty counts as valid. */
function fullTags(core: Core): bigint {
  const used = core.small('ftw');
  return BigInt(EIGHT.reduce((tags, n) => tags | (((used >> n) & 1) === 0 ? 3 << (2 * n) : 0), 0));
}

function vector(id: string, type: string, count: number): string {
  return `<vector id="${id}" type="${type}" count="${count}"/>`;
}

/** `CF:0` is a bit, `IOPL:12-13` a field. */
function flagsType(id: string, size: number, fields: string): string {
  const field = (text: string): string => {
    const [name = '', bits = ''] = text.split(':');
    const [start = '', end = start] = bits.split('-');
    return `<field name="${name}" start="${start}" end="${end}"/>`;
  };
  return `<flags id="${id}" size="${size}">${fields.split(' ').map(field).join('')}</flags>`;
}
