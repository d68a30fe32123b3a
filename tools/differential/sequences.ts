import { decode } from '../../src/isa/decode.ts';
import { pick, type Random } from './chance.ts';
import { ABSENT, ALIAS, DATA, FRAME, LEAVES, OTHER_ROOT, READ_ONLY, SUPERVISOR, SYSTEM_CALL, TEXT, WINDOW } from './ground.ts';
import { type Drawing, drawnItems, endsRegions, RAX, RCX, RDI, RDX, REGISTERS, RSI } from './rows.ts';
import { bytesOf, type Item, isLabel, type Label, label, little, type Part, quad, referring } from './text.ts';

/** What a program's sequences may do, beside computing. */
export interface Flavour extends Drawing {
  /** Stores into instructions, near and far. */
  readonly modifies: boolean;
  /** Page table entries, INVLPG, MOV CR3. */
  readonly paging: boolean;
  /** Instructions of the system, and exceptions of debugging. */
  readonly system: boolean;
  /** Places that stores into text may change, of all sequences of the program. */
  readonly patchable: Label[];
  /** Functions that sequences call, on other pages too. */
  readonly functions: readonly Label[];
}

/** One random sequence. */
export interface Sequence {
  readonly parts: readonly Part[];
  /** What stands behind it is not found on the way from before it (`leavesRegions`). */
  readonly ends: boolean;
}

/** Of the instructions of a sequence, without those that stand around them. */
const LENGTH = { least: 3, most: 7 };

export function randomSequence(flavour: Flavour): Sequence {
  const { random } = flavour;
  const parts: Part[] = [];
  const wanted = LENGTH.least + random(LENGTH.most - LENGTH.least + 1);
  let open: { label: Label; left: number } | undefined;
  let loop: { again: Label; left: number } | undefined;
  for (let n = 0; n < wanted; n++) {
    if (random(24) === 0) flavour.patchable.push(mark(parts));
    if (open === undefined && random(9) === 0) {
      open = { label: label(), left: 1 + random(3) };
      parts.push(forward(random, open.label));
    } else if (loop === undefined && random(18) === 0) {
      loop = { again: label(), left: 1 + random(3) };
      parts.push(bytesOf(0x41, 0xbf, ...little(2 + random(3))), loop.again);
    } else parts.push(...oneOf(flavour));
    if (open !== undefined && --open.left <= 0) {
      parts.push(open.label);
      open = undefined;
    }
    if (loop !== undefined && --loop.left <= 0) {
      parts.push(...back(random, loop.again));
      loop = undefined;
    }
  }
  if (open !== undefined) parts.push(open.label);
  if (loop !== undefined) parts.push(...back(random, loop.again));
  return { parts, ends: parts.some((part) => !isLabel(part) && part.data !== true && leavesRegions(part)) };
}

/** What stands behind it is not found on the way from before it: regions do not hold it, or it goes elsewhere. */
function leavesRegions({ bytes }: Item): boolean {
  const decoded = decode(bytes);
  if (decoded.kind !== 'instruction') return true;
  const { mnemonic, operands } = decoded.instruction;
  return endsRegions(mnemonic) || mnemonic === 'ret' || (mnemonic === 'jmp' && operands.length > 0);
}

function mark(parts: Part[]): Label {
  const here = label();
  parts.push(here);
  return here;
}

/** A branch over what follows, on a condition. */
function forward(random: Random, to: Label): Item {
  const kind = random(12);
  if (kind === 0) return referring('distance8', to, 0xe3);
  if (kind === 1) return referring('distance8', to, 0x67, 0xe3);
  if (kind === 2) return referring('distance32', to, 0xe9);
  const condition = random(16);
  return kind < 7 ? referring('distance8', to, 0x70 + condition) : referring('distance32', to, 0x0f, 0x80 + condition);
}

/** The end of a loop that R15 counts, or now and then the instruction that counts in RCX. */
function back(random: Random, again: Label): Item[] {
  if (random(5) === 0) return [bytesOf(0xb9, ...little(1 + random(2))), referring('distance8', again, pick(random, [0xe0, 0xe1, 0xe2]))];
  return [bytesOf(0x49, 0xff, 0xcf), referring('distance32', again, 0x0f, 0x85)];
}

function oneOf(flavour: Flavour): Part[] {
  const { random } = flavour;
  if (flavour.modifies && random(10) === 0) return random(3) === 0 ? storeToText(flavour) : nearStore(flavour);
  const kind = random(100);
  if (kind < 80) return drawnItems(flavour);
  if (kind < 84) return stringItems(random);
  if (kind < 87) return callItems(flavour);
  if (kind < 89) return indirectItems(random);
  if (kind < 91) return stackItems(random);
  if (kind < 93) return controlItems(random);
  if (kind < 95) return faultItems(random);
  if (kind < 96) return maskedStore(random);
  if (kind < 97) return gprItems(random);
  if (kind < 99 && flavour.paging) return pagingItems(random);
  if (flavour.system) return systemItems(flavour);
  return drawnItems(flavour);
}

/** A number that instructions treat in ways of their own. */
export function interesting(random: Random): bigint {
  const any = (): bigint => Array.from({ length: 4 }, () => BigInt(random(65536))).reduce((sum, part) => (sum << 16n) | part, 0n);
  const kind = random(4);
  if (kind === 0) return any();
  if (kind === 1) return BigInt.asUintN(64, BigInt(random(512) - 256));
  return pick(random, INTERESTING);
}

const INTERESTING: readonly bigint[] = [
  ...[0x0000, 0x8000, 0x3ff0, 0xbff0, 0x4000, 0x7ff0, 0xfff0, 0x7ff8, 0x7ff4, 0x7fef, 0x0010, 0x43e0, 0xc3e0, 0x41df].map(
    (high) => BigInt(high) << 48n,
  ),
  ...[0x3f8000003f800000n, 0x7f80000080000000n, 0x7fc000007fa00000n, 0x007fffff00800000n, 0x4f000000cf000000n, 0x3effffff40490fdbn],
  ...[1n, 0xfffffffffffffn, 0x3fd5555555555555n, 0x7fffffffffffffffn, 0xffffffffffffffffn, 0xc000000000000000n, 0x3fffn],
  ...[0x40090fdaa22168c2n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x7fff7fff80008000n, 0x0123456789abcdefn, 0x8080808080808080n],
];

/** MOV of a constant to a register. */
const constant = (register: number, value: number): Item =>
  bytesOf(...(register > 7 ? [0x41] : []), 0xb8 + (register & 7), ...little(value));
const wide = (register: number, value: bigint): Item => bytesOf(register > 7 ? 0x49 : 0x48, 0xb8 + (register & 7), ...quad(value));

function gprItems(random: Random): Item[] {
  return [wide(pick(random, REGISTERS), interesting(random))];
}

/** String instructions of all kinds, both directions, one element or many, over the ends of pages and off what is mapped. */
function stringItems(random: Random): Item[] {
  const opcode = pick(random, [0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xa6, 0xa7]);
  const size = pick(random, [[], [], [0x66], [0x48]]);
  const short = random(16) === 0 ? [0x67] : [];
  const repeat = random(2) === 0 ? [] : [pick(random, [0xf2, 0xf3])];
  const backward = random(8) === 0;
  const pointer = (register: number): Item => {
    const kind = random(16);
    if (kind === 0) return constant(register, ABSENT - 1 - random(64));
    if (kind === 1) return constant(register, pick(random, [READ_ONLY, SUPERVISOR]) + random(64));
    if (kind === 2) return constant(register, DATA + ALIAS + random(0x3000));
    return constant(register, DATA + (kind < 8 ? 4096 * (1 + random(3)) - 1 - random(64) : 256 + random(0x3000)));
  };
  return [
    ...(backward ? [bytesOf(0xfd)] : []),
    pointer(RSI),
    pointer(RDI),
    ...(repeat.length > 0 || random(3) === 0 ? [constant(RCX, random(20))] : []),
    bytesOf(...short, ...repeat, ...size, opcode),
    ...(backward ? [bytesOf(0xfc)] : []),
  ];
}

/** MASKMOVQ, MASKMOVDQU, XLATB: where they go no operand tells. */
function maskedStore(random: Random): Item[] {
  const kind = random(4);
  if (kind === 3) return [bytesOf(0xd7)];
  const modrm = 0xc0 + random(64);
  const at = constant(RDI, DATA + (random(3) === 0 ? 4096 - random(20) : random(0x3000)));
  return [at, kind === 0 ? bytesOf(0x0f, 0xf7, modrm) : kind === 1 ? bytesOf(0x66, 0x0f, 0xf7, modrm) : bytesOf(0xc5, 0xf9, 0xf7, modrm)];
}

/** Calls of functions, near and on other pages, direct and through a register or memory. */
function callItems({ random, functions }: Flavour): Part[] {
  const to = pick(random, functions);
  const kind = random(6);
  if (kind < 4) return [referring('distance32', to, 0xe8)];
  // lea to(%rip), %rax; call *%rax or push %rax; call *(%rsp)
  const address = referring('distance32', to, 0x48, 0x8d, 0x05);
  if (kind === 4) return [address, bytesOf(0xff, 0xd0)];
  return [address, bytesOf(0x50), bytesOf(0xff, 0x14, 0x24)];
}

/** Jumps through a register or memory, RET to what was pushed, IRETQ and RETF to the next instruction. */
function indirectItems(random: Random): Part[] {
  const to = label();
  const address = referring('distance32', to, 0x48, 0x8d, 0x05);
  const between = random(2) === 0 ? [] : [bytesOf(0x0f, 0x0b)];
  const kind = random(4);
  if (kind === 0) return [address, bytesOf(0xff, 0xe0), ...between, to];
  if (kind === 1) return [address, bytesOf(0x50), bytesOf(0xc3), ...between, to];
  if (kind === 2) return [address, bytesOf(0x50), bytesOf(0xc2, 8 * random(3), 0), ...between, to];
  const word = little(8 * random(64));
  return [address, bytesOf(0x48, 0x89, 0x83, ...word), bytesOf(0xff, 0xa3, ...word), ...between, to];
}

function stackItems(random: Random): Item[] {
  const register = pick(random, REGISTERS);
  const rex = register > 7 ? [0x41] : [];
  const push = bytesOf(...rex, 0x50 + (register & 7));
  const other = pick(random, REGISTERS);
  const pop = bytesOf(...(other > 7 ? [0x41] : []), 0x58 + (other & 7));
  const kind = random(8);
  // pushf; popf as it was, or with flags that programs may set
  if (kind === 0) return [bytesOf(0x9c), bytesOf(0x9d)];
  if (kind === 1) return [bytesOf(0x68, ...little(0x202 | (random(0x1000) & 0xcd5) | (random(4) === 0 ? 0x200000 : 0))), bytesOf(0x9d)];
  if (kind === 2) return [bytesOf(0xc8, 8 * random(16), 0, random(3)), push, bytesOf(0xc9)];
  if (kind === 3) return [bytesOf(0x66, ...push.bytes), bytesOf(0x66, ...pop.bytes)];
  if (kind === 4) return [bytesOf(0xff, 0xb3, ...little(random(0x3000))), bytesOf(0x8f, 0x83, ...little(random(0x3000)))];
  if (kind === 5) return [bytesOf(0x9c), pop];
  return [push, ...(random(2) === 0 ? [bytesOf(0x6a, random(256))] : []), pop];
}

/** Control words of the x87 and SSE: rounding, precision, and now and then exceptions that are reported. */
function controlItems(random: Random): Item[] {
  const rounding = random(4);
  const masks = random(3) > 0 ? 0x3f : random(64);
  const word = DATA + 8 * random(64);
  const store = (value: number): Item => bytesOf(0xc7, 0x04, 0x25, ...little(word), ...little(value));
  if (random(2) === 0) {
    const flush = random(4) === 0 ? 0x8000 : 0;
    const zeros = random(4) === 0 ? 0x40 : 0;
    return [store(flush | (rounding << 13) | (masks << 7) | zeros), bytesOf(0x0f, 0xae, 0x14, 0x25, ...little(word))];
  }
  const precision = [0, 2, 3][random(3)]!;
  return [store(0x40 | (rounding << 10) | (precision << 8) | masks), bytesOf(0xdb, 0xe2), bytesOf(0xd9, 0x2c, 0x25, ...little(word))];
}

/** Instructions that fault always or nearly so. */
function faultItems(random: Random): Item[] {
  // A jump to an address that is none.
  if (random(12) === 0) return [wide(RAX, 0x8000_0000_0000n), bytesOf(0xff, pick(random, [0xe0, 0xd0]))];
  const at = (address: number): number[] => [0x04, 0x25, ...little(address)];
  const rcx = (address: number): number[] => [0x0c, 0x25, ...little(address)];
  return [
    bytesOf(
      ...pick<number[]>(random, [
        [0x0f, 0x0b],
        [0x48, 0xf7, 0xf1],
        [0x49, 0xf7, 0xf8],
        [0xf7, 0xf1],
        [0xf6, 0xf1],
        [0x48, 0x8b, ...at(ABSENT)],
        [0x48, 0x89, ...at(ABSENT - 4)],
        [0x48, 0x01, ...rcx(READ_ONLY)],
        [0xf0, 0x48, 0x01, ...rcx(ABSENT - 4)],
        [0xf0, 0x48, 0x0f, 0xc1, 0x4b, 61],
        [0xff, 0x34, 0x25, ...little(ABSENT)],
        [0x8f, 0x04, 0x25, ...little(READ_ONLY)],
        [0x0f, 0x28, 0x4b, 8],
        [0x0f, 0x29, 0x4b, 8],
        [0x48, 0x0f, 0xc7, 0x4b, 8],
        [0x48, 0x8b, 0x55, 0],
        [0x48, 0x87, 0x83, ...little(4094)],
        [0x8b, ...at(SUPERVISOR)],
        // A LOCK that is none, calls and jumps by what is not there, bytes that are no instruction.
        [0xf0, 0x90],
        [0xff, 0x14, 0x25, ...little(ABSENT)],
        [0xff, 0x24, 0x25, ...little(READ_ONLY)],
        [0x0f, 0xff, 0xc0],
        [0x0f, 0xb9, 0xc0],
      ]),
    ),
  ];
}

/** A store of one to eight bytes into the immediate or anything else of an instruction of this program, directly or through the alias. */
function storeToText({ random, patchable, wild }: Flavour): Item[] {
  if (patchable.length === 0) return [];
  const to = pick(random, patchable);
  const size = pick(random, [0x88, 0x89]);
  const register = pick(random, [RAX, RCX, RDX]);
  // Mostly the first byte of an ADD to EAX and so on: something that still decodes.
  const set =
    wild || random(3) > 0
      ? [constant(register, random(0x7fffffff))]
      : [constant(register, pick(random, [0x05, 0x2d, 0x35, 0x90, 0xcc, 0xf8, 0xf9]))];
  const opcode = wild ? size : 0x88;
  return [...set, referring('address32', to, opcode, 0x04 + 8 * register, 0x25)];
}

/** A store into an instruction that comes at once or soon, now and then the same one each round: what was compiled of it is not what is to run. */
function nearStore(flavour: Flavour): Part[] {
  const { random } = flavour;
  const target = label();
  const register = pick(random, REGISTERS);
  const rex = register > 7 ? 1 : 0;
  // LEA with a displacement of 8 bits, ADD with an immediate of 8 bits, MOV of a constant; and where in them that is.
  const [bytes, plus] = pick(random, [
    [[0x48 + 5 * rex, 0x8d, 0x40 + 9 * (register & 7), 7].slice(0, (register & 7) === 4 ? 0 : 4), 3],
    [[0x48 + rex, 0x83, 0xc0 + (register & 7), 7], 3],
    [[...(rex === 1 ? [0x41] : []), 0xb8 + (register & 7), 1, 2, 3, 4], 1 + rex + random(4)],
  ] as [number[], number][]);
  if (bytes.length === 0) return [];
  const into = (...store: number[]): Item => ({
    ...referring('address32', target, ...store),
    reference: { to: target, kind: 'address32', plus },
  });
  const between = random(2) === 0 ? [] : drawnItems(flavour);
  const changed = [target, bytesOf(...bytes)];
  if (random(2) === 0) {
    // Each round from R15, in a loop of its own.
    const again = label();
    const rounds = bytesOf(0x41, 0xbf, ...little(2 + random(8)));
    return [
      rounds,
      again,
      into(0x44, 0x88, 0x3c, 0x25),
      ...between,
      ...changed,
      bytesOf(0x49, 0xff, 0xcf),
      referring('distance32', again, 0x0f, 0x85),
    ];
  }
  const from = pick(random, [RAX, RCX, RDX]);
  return [constant(from, random(0x7fffffff)), into(0x88, 0x04 + 8 * from, 0x25), ...between, ...changed];
}

/** A new entry for the window, or none; what it showed is forgotten by INVLPG or MOV CR3; and an access to it. */
function pagingItems(random: Random): Item[] {
  const entry = pick(random, [DATA, FRAME, FRAME, DATA + 0x1000, TEXT]) | pick(random, [0x67, 0x67, 0x67, 0x65, 0x63, 0x47, 0x07, 0x66]);
  const store = bytesOf(0x48, 0xc7, 0x04, 0x25, ...little(LEAVES + (WINDOW >> 12) * 8), ...little(entry));
  const invalidate = bytesOf(0x0f, 0x01, 0x3c, 0x25, ...little(WINDOW));
  const reload = [bytesOf(0x0f, 0x20, 0xd8), bytesOf(0x0f, 0x22, 0xd8)];
  const access = pick(random, [0x8b, 0x89, 0x01, 0x3b]);
  const use = bytesOf(0x48, access, 0x04, 0x25, ...little(WINDOW + random(4088)));
  const kind = random(4);
  if (kind === 0) return [use, constant(RAX, pick(random, [OTHER_ROOT, LEAVES - 0x3000])), bytesOf(0x0f, 0x22, 0xd8), use];
  return [use, store, ...(kind === 1 ? reload : [invalidate]), use];
}

/** Instructions of the system that leave it as it can go on; #DB and #BP; TF; breakpoints on data and instructions. */
function systemItems(flavour: Flavour): Part[] {
  const { random, user, patchable } = flavour;
  const kind = random(user ? 6 : 16);
  if (kind === 0) return [bytesOf(0xcd, SYSTEM_CALL)];
  if (kind === 1) return [bytesOf(0xcc)];
  if (kind === 2) return [bytesOf(0xf1)];
  // pushf; orl $0x100, (%rsp); popf: single steps from here on, until the handler has had enough.
  if (kind === 3) return [bytesOf(0x9c), bytesOf(0x81, 0x0c, 0x24, ...little(0x100)), bytesOf(0x9d)];
  if (kind === 4) return drawnItems(flavour, true);
  if (kind === 5) return [bytesOf(0x0f, pick(random, [0x31, 0xa2])), bytesOf(0xbb, ...little(DATA))];
  if (kind === 6) return [bytesOf(pick(random, [0xfa, 0xfb]))];
  if (kind === 7) return [bytesOf(0x0f, 0x01, 0xf8)];
  if (kind === 8) return [bytesOf(0x0f, 0x20, 0xc0), bytesOf(0x48, 0x83, 0xc8, 0x08), bytesOf(0x0f, 0x22, 0xc0)];
  if (kind === 9) return [bytesOf(0x8c, 0xd0), bytesOf(0x8e, 0xd0)];
  if (kind === 10) {
    // Back to the next instruction by IRETQ, or by a far RET.
    const to = label();
    const address = referring('distance32', to, 0x48, 0x8d, 0x05);
    if (random(2) === 0) return [address, bytesOf(0x6a, 0x10), bytesOf(0x50), bytesOf(0x48, 0xcb), to];
    const flags = bytesOf(0x9c);
    return [
      address,
      bytesOf(0x48, 0x89, 0xe1),
      bytesOf(0x6a, 0x18),
      bytesOf(0x51),
      flags,
      bytesOf(0x6a, 0x10),
      bytesOf(0x50),
      bytesOf(0x48, 0xcf),
      to,
    ];
  }
  if (kind < 14) {
    // A breakpoint: DR0 to DR3 on data or on an instruction that may be changed too.
    const n = random(4);
    const onCode = random(2) === 0 && patchable.length > 0;
    const type = onCode ? 0 : pick(random, [1, 3]);
    const length = onCode ? 0 : random(4);
    const where: Item = onCode ? referring('address32', pick(random, patchable), 0x48, 0xc7, 0xc0) : constant(RAX, DATA + random(512));
    const on = (3 << (2 * n)) | (((length << 2) | type) << (16 + 4 * n)) | 0x400;
    return [where, bytesOf(0x0f, 0x23, 0xc0 + 8 * n), constant(RAX, on), bytesOf(0x0f, 0x23, 0xf8)];
  }
  if (kind === 14) return [bytesOf(0x31, 0xc0), bytesOf(0x0f, 0x23, 0xf8)];
  return random(12) === 0 ? drawnItems(flavour, true) : [bytesOf(0x0f, 0x06)];
}

/** A function: a few instructions and RET. */
export function randomFunction(flavour: Flavour): Part[] {
  const { random } = flavour;
  const body = Array.from({ length: random(3) }, () => drawnItems(flavour)).flat();
  return [...body, random(3) === 0 ? bytesOf(0xc2, 8 * random(3), 0) : bytesOf(0xc3)];
}
