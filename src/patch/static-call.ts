import { callTo, jccTo, jumpTo, nop5, retPadded, returnZero, warnTrap } from './instructions.ts';
import { locked } from './mutex.ts';
import type { Operation } from './operation.ts';
import type { SiteWriter } from './site-writer.ts';
import type { Part, TextWorld } from './text-poke.ts';

/** What the compiler left at a site: a call, a tail call, or a conditional tail call (`condition` is the low nibble of the opcode). */
export type StaticCallForm = 'call' | 'jmp' | { readonly condition: number };

export interface StaticCallSite {
  readonly address: bigint;
  readonly name: string;
  readonly form: StaticCallForm;
}

/** Functions that a site does not call although the key says so, by address. What a scenario does not use it leaves out. */
export interface StaticCallStubs {
  /** `__static_call_return0`: the site becomes "return 0"; while its INT3 is there, this is called. */
  readonly return0?: bigint;
  /** `__WARN_trap`: the site becomes UD1; while its INT3 is there, this is called. */
  readonly warn?: bigint;
  /** `__static_call_return`, a RET: where a conditional tail call of nothing goes. */
  readonly ret?: bigint;
}

/** The instruction that a site gets, and what the #BP handler does in its place where that is another one. */
export interface StaticCallText {
  readonly bytes: Uint8Array;
  readonly emulate?: Uint8Array;
}

/** Text of a site whose key calls `func`; 0 is NULL: nothing is called (kernel: `__static_call_transform`). */
export function staticCallText(site: StaticCallSite, func: bigint, stubs: StaticCallStubs = {}): StaticCallText {
  const { address, form } = site;
  if (typeof form === 'object') {
    const target = func === 0n ? stubs.ret : func;
    if (target === undefined) throw new RangeError(`${site.name}: a conditional tail call of NULL needs a RET to go to`);
    return { bytes: jccTo(form.condition, address, target) };
  }
  if (form === 'jmp') return { bytes: func === 0n ? retPadded() : jumpTo(address, func) };
  if (func === 0n) return { bytes: nop5() };
  const call = callTo(address, func);
  if (func === stubs.return0) return { bytes: returnZero(), emulate: call };
  return func === stubs.warn ? { bytes: warnTrap(), emulate: call } : { bytes: call };
}

/** One static call: the word that holds its function, its trampoline, the sites that call it. */
export interface StaticCallKey {
  readonly name: string;
  /** Where `key.func` lies; a scenario whose code never reads it may do without. */
  readonly func?: bigint;
  /** The function that it has at the start. */
  readonly initial: bigint;
  /** Site of the jmp that everybody who has no site of their own goes through. */
  readonly trampoline?: StaticCallSite;
  readonly sites: readonly StaticCallSite[];
  readonly stubs?: StaticCallStubs;
}

/** Steps of an update that can be done wrong, by name. */
export interface StaticCallSwitches {
  /** Where the new instruction cannot be emulated the #BP handler steps over it, instead of calling what it stands for. */
  readonly emulateAsNop?: boolean;
  /** Looks first whether the site holds a text that a static call writes, and leaves alone what does not. */
  readonly validate?: boolean;
}

const NOT_A_TAIL: readonly ((bytes: Uint8Array) => boolean)[] = [
  (b) => b[0] === 0xe8,
  ...[nop5(), returnZero(), warnTrap()].map((known) => (b: Uint8Array) => known.every((byte, i) => byte === b[i])),
];

/** Whether five bytes at a site are one of the forms that a static call of its kind has (kernel: `__static_call_validate`). */
export function isStaticCallText(form: StaticCallForm, bytes: Uint8Array): boolean {
  if (form === 'call') return NOT_A_TAIL.some((known) => known(bytes));
  return bytes[0] === 0xe9 || bytes[0] === 0xc3 || (bytes[0] === 0x0f && (bytes[1] as number) >> 4 === 8);
}

/** The first five bytes of a site as the patching core reads them. */
function* textOf(site: StaticCallSite): Generator<Operation, Uint8Array, bigint> {
  const head = yield { do: 'load', address: site.address, bytes: 4, what: site.name };
  const last = yield { do: 'load', address: site.address + 4n, bytes: 1, what: site.name };
  return Uint8Array.from({ length: 5 }, (_, i) => Number(((head | (last << 32n)) >> BigInt(8 * i)) & 0xffn));
}

/**
 * The updates of one key by one core, which holds static_call_mutex; remembers what the key calls. Make it inside a patcher: its state is that
 * of the run (kernel: `__static_call_update`).
 */
export class StaticCall {
  readonly key: StaticCallKey;
  readonly #write: SiteWriter;
  readonly #switches: StaticCallSwitches;
  #func: bigint;

  constructor(key: StaticCallKey, write: SiteWriter, switches: StaticCallSwitches = {}) {
    this.key = key;
    this.#write = write;
    this.#switches = switches;
    this.#func = key.initial;
  }

  get func(): bigint {
    return this.#func;
  }

  /** Makes the key call `func` (0: NULL). The trampoline first, then one site after the other: in between, both functions are live. */
  *update(func: bigint): Part {
    const old = this.#func;
    if (func === old) return;
    this.#func = func;
    const { key } = this;
    if (key.func !== undefined) yield { do: 'store', address: key.func, bytes: 8, value: func, what: `${key.name}.func` };
    const trampoline = key.trampoline === undefined ? [] : [key.trampoline];
    for (const site of [...trampoline, ...key.sites]) yield* this.#transform(site, old, func);
  }

  *#transform(site: StaticCallSite, old: bigint, func: bigint): Part {
    if (this.#switches.validate === true && !isStaticCallText(site.form, yield* textOf(site))) return;
    const before = staticCallText(site, old, this.key.stubs).bytes;
    const { bytes, emulate } = staticCallText(site, func, this.key.stubs);
    if (bytes.every((b, i) => b === before[i])) return;
    const instead = emulate !== undefined && this.#switches.emulateAsNop === true ? nop5() : emulate;
    yield* this.#write({ site: site.address, name: site.name, bytes, old: before, ...(instead === undefined ? {} : { emulate: instead }) });
  }
}

export interface StaticCallUpdateSwitches extends StaticCallSwitches {
  /** Looks whether the key calls the function already before it has static_call_mutex. */
  readonly checkOutside?: boolean;
}

/**
 * An update of a key that several cores may update: what it calls is read from `key.func` under static_call_mutex (kernel: `__static_call_update`).
 */
export function* staticCallUpdate(
  world: TextWorld,
  key: StaticCallKey & { readonly func: bigint },
  func: bigint,
  write: SiteWriter,
  switches: StaticCallUpdateSwitches = {},
): Part {
  const load: Operation = { do: 'load', address: key.func, bytes: 8, what: `${key.name}.func` };
  if (switches.checkOutside === true && (yield load) === func) return;
  function* update(): Part {
    const initial = yield load;
    yield* new StaticCall({ ...key, initial }, write, switches).update(func);
  }
  yield* locked(world, 'static_call_mutex', update());
}
