import { Code, CpuidFeature, Decoder, EncodingKind, Instruction as Iced, Mnemonic } from 'iced-x86';
import { OFFSET } from './core-state.ts';
import { mnemonicOf } from './decode-names.ts';
import { type OperandFields, operandsOf } from './decode-operands.ts';
import { escapeOpcode, hasInvalidOpcode, type Prefixes, scanPrefixes, withoutRep, withoutRepeatedPrefix } from './decode-prefixes.ts';
import { formKey, type Instruction, type Size } from './instruction.ts';
import { type CodeSize, LONG_MODE, type Mode } from './mode.ts';
import type { RecordFields } from './record.ts';
import { semanticsOf } from './semantics/index.ts';

/** What bytes decode to. */
export type Decoded =
  /** Known to us: a static form with semantics, and the fields that vary. Equal forms are the same `instruction` object. */
  | { readonly kind: 'instruction'; readonly instruction: Instruction; readonly fields: RecordFields; readonly length: number }
  /** A valid encoding whose semantics we do not have, and the features of processors that it takes, as the decoder calls them. */
  | { readonly kind: 'unimplemented'; readonly name: string; readonly length: number; readonly features: readonly string[] }
  /** #UD on a CPU. */
  | { readonly kind: 'invalid' }
  /** More than 15 bytes: #GP(0). */
  | { readonly kind: 'tooLong' }
  /** `bytes` ended before the instruction did: fetch more. */
  | { readonly kind: 'truncated' };

const MAX_LENGTH = 15;

/** `DecoderOptions.None`: Intel's reading of 66-prefixed near branches and of LOCK MOV CR. */
const OPTIONS = 0;

/** `DecoderError.NoMoreBytes`. */
const NO_MORE_BYTES = 2;

const scratch = new Iced();
const forms = new Map<string, Instruction>();

/**
 * Decodes the instruction at the start of `bytes` (up to 15 of them), in 64-bit mode unless another is given. Pure: the result depends on the bytes and the mode alone,
 * so it may be cached by them. RIP-relative and branch operands are kept relative.
 */
export function decode(bytes: Uint8Array, mode: Mode = LONG_MODE): Decoded {
  const window = bytes.length > MAX_LENGTH ? bytes.subarray(0, MAX_LENGTH) : bytes;
  if (mode === LONG_MODE && hasInvalidOpcode(window)) return { kind: 'invalid' };
  const error = decodeInto(scratch, window, mode);
  if (error === NO_MORE_BYTES) return { kind: 'truncated' };
  if (scratch.isInvalid) return window.length === MAX_LENGTH && needsMoreThan15(window, mode) ? { kind: 'tooLong' } : { kind: 'invalid' };
  const length = scratch.length;
  const prefixes = scanPrefixes(window, mode);
  // F3 with REX.B 90 is not PAUSE: processors exchange R8 with the accumulator.
  if (scratch.code === Code.Pause && prefixes.rexB) decodeInto(scratch, withoutRep(window), mode);
  const decoded = translate(scratch, prefixes, length, mode);
  const opcode = escapeOpcode(window, mode);
  if (opcode === undefined || decoded.kind !== 'instruction') return decoded;
  return { ...decoded, fields: { ...decoded.fields, immediate: BigInt(opcode) } };
}

/** What the instruction at the start of `bytes` is called in 64-bit mode and the features of processors that it takes; undefined where none is. */
export function identify(
  bytes: Uint8Array,
): { readonly name: string; readonly length: number; readonly features: readonly string[] } | undefined {
  const window = bytes.subarray(0, MAX_LENGTH);
  if (hasInvalidOpcode(window) || decodeInto(scratch, window, LONG_MODE) === NO_MORE_BYTES || scratch.isInvalid) return undefined;
  return { name: nameOf(scratch), length: scratch.length, features: featuresOf(scratch) };
}

const nameOf = (iced: Iced): string => (Mnemonic[iced.mnemonic] as string).toLowerCase();
const featuresOf = (iced: Iced): string[] => Array.from(iced.cpuidFeatures(), (feature) => CpuidFeature[feature] as string);

/** iced has no way to give a decoder new bytes, so there is one per call, at address 0. */
function decodeInto(into: Iced, bytes: Uint8Array, mode: Mode): number {
  const decoder = new Decoder(mode.codeSize, bytes, OPTIONS);
  decoder.decodeOut(into);
  const error = decoder.lastError;
  decoder.free();
  return error;
}

/**
 * iced reports 15 bytes that are not enough like an invalid opcode. What runs out of bytes when it has 14 of them either was too long or
 * has its invalid byte at the end; without a prefix that stands twice the same instruction is a byte shorter, and only the former still
 * runs out.
 */
function needsMoreThan15(bytes: Uint8Array, mode: Mode): boolean {
  if (decodeInto(scratch, bytes.subarray(0, MAX_LENGTH - 1), mode) !== NO_MORE_BYTES) return false;
  const shorter = withoutRepeatedPrefix(bytes, mode);
  return shorter === undefined || decodeInto(scratch, shorter, mode) === NO_MORE_BYTES;
}

function translate(iced: Iced, prefixes: Prefixes, length: number, mode: Mode): Decoded {
  const name = mnemonicOf(iced, prefixes);
  const unimplemented = (as = nameOf(iced)): Decoded => ({
    kind: 'unimplemented',
    name: as,
    length,
    features: featuresOf(iced),
  });
  if (iced.encoding !== EncodingKind.Legacy && iced.encoding !== EncodingKind.VEX) return unimplemented();
  if (semanticsOf(name) === undefined) return unimplemented();
  const operands = operandsOf(iced, name, length, mode);
  if (operands === 'invalid') return { kind: 'invalid' };
  if (operands === 'unimplemented') return unimplemented();
  const { displacement } = operands.fields;
  if (displacement !== (displacement | 0)) return unimplemented(`${name} with a RIP-relative operand beyond 2 GiB`);
  return { kind: 'instruction', instruction: intern(formOf(iced, name, prefixes, operands, mode)), fields: operands.fields, length };
}

function formOf(
  iced: Iced,
  mnemonic: string,
  prefixes: Prefixes,
  { operands, fields, addressForm, stringSize, segment }: OperandFields,
  mode: Mode,
): Instruction {
  const { codeSize, stackSize } = mode;
  const memory = addressForm !== 'none';
  const usesAddressSize = memory || ADDRESS_SIZED.has(mnemonic) || stringSize !== undefined;
  return {
    mnemonic,
    size: stringSize ?? sizeOf(mnemonic, prefixes, operands[0]?.size, mode),
    addressSize: usesAddressSize ? addressSizeOf(prefixes, mode) : codeSize,
    addressForm: !memory
      ? 'none'
      : codeSize !== 64
        ? 'segmented'
        : fields.segment === OFFSET.zero && !prefixes.addressSize
          ? 'flat'
          : 'general',
    operands,
    lock: iced.hasLockPrefix || (mnemonic === 'xchg' && memory),
    repeat: stringSize === undefined ? 'none' : repeatOf(mnemonic, prefixes),
    codeSize,
    stackSize,
    segment,
  };
}

/** No memory operand in the record, yet the address-size prefix matters. */
const ADDRESS_SIZED = new Set(['loop', 'loope', 'loopne', 'jrcxz', 'xlat', 'maskmovq', 'maskmovdqu', 'vmaskmovdqu']);

/** An address-size prefix takes the other of two sizes (SDM Vol. 1, "Operand Size and Address Size"). */
function addressSizeOf({ addressSize }: Prefixes, { codeSize }: Mode): CodeSize {
  if (codeSize === 16) return addressSize ? 32 : 16;
  return addressSize ? (codeSize === 64 ? 32 : 16) : codeSize;
}

/** The stack instructions. In 64-bit mode their operand size is 64 without REX.W (SDM Vol. 1, "Operand-Size ... in 64-Bit Mode"). */
const STACK = new Set(['push', 'pop', 'pushf', 'popf', 'enter', 'leave', 'pop_sreg', 'pusha', 'popa']);

function sizeOf(mnemonic: string, prefixes: Prefixes, operandSize: Size | undefined, { codeSize }: Mode): Size {
  const branch = BRANCHES.has(mnemonic) || (mnemonic.startsWith('j') && mnemonic !== 'jmp_far');
  if (branch && codeSize === 64) return 64;
  const narrow = prefixes.operandSize !== (codeSize === 16) && !prefixes.rexW;
  if (branch) return narrow ? 16 : 32;
  if (STACK.has(mnemonic)) return narrow ? 16 : codeSize === 64 ? 64 : 32;
  const own = SIZED_BY_PREFIX.has(mnemonic) ? undefined : operandSize;
  return own ?? (prefixes.rexW ? 64 : narrow ? 16 : 32);
}

/** Their operands say nothing of the operand size. */
const SIZED_BY_PREFIX = new Set(['call_far', 'jmp_far', 'retf', 'lgdt', 'lidt']);

const BRANCHES = new Set(['call', 'ret', 'loop', 'loope', 'loopne']);

/** F2 means plain REP except where ZF counts (SDM Vol. 2, "REP/REPE/REPZ/REPNE/REPNZ"). */
function repeatOf(mnemonic: string, { repeat }: Prefixes): Instruction['repeat'] {
  return repeat === 'repne' && mnemonic !== 'cmps' && mnemonic !== 'scas' ? 'rep' : repeat;
}

function intern(form: Instruction): Instruction {
  const key = formKey(form);
  const known = forms.get(key);
  if (known !== undefined) return known;
  forms.set(key, form);
  return form;
}
