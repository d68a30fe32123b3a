import { TextpokeError } from '../error.ts';
import { didYouMean } from '../suggest.ts';

/** The arguments of a request, as a client sent them: anything can be in there. Throws `E_USAGE` that says which request and which argument. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #of: string;

  constructor(values: unknown, of: string) {
    if (values !== undefined && (typeof values !== 'object' || values === null || Array.isArray(values)))
      throw new TextpokeError('E_USAGE', `the arguments of '${of}' are no object`, { where: of, hint: 'for example {"threadId": 1}' });
    this.#values = (values ?? {}) as Record<string, unknown>;
    this.#of = of;
  }

  get names(): readonly string[] {
    return Object.keys(this.#values);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  #get(name: string): unknown {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === null ? undefined : value;
  }

  #refuse(name: string, wanted: string, hint?: string): never {
    const value = this.#get(name);
    const found = value === undefined ? 'it is missing' : `not ${shown(value)}`;
    throw new TextpokeError('E_USAGE', `'${name}' of '${this.#of}' must be ${wanted}, ${found}`, {
      where: `${this.#of}.${name}`,
      ...(hint !== undefined && { hint }),
    });
  }

  text(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#refuse(name, 'a text');
  }

  needText(name: string): string {
    return this.text(name) ?? this.#refuse(name, 'a text');
  }

  number(name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.#refuse(
      name,
      max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
    );
  }

  needNumber(name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    return this.number(name, min, max) ?? this.#refuse(name, 'a whole number');
  }

  flag(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#refuse(name, 'true or false');
  }

  oneOf<const T extends string>(name: string, words: readonly T[]): T | undefined {
    const value = this.text(name);
    const found = words.find((word) => word === value);
    if (value === undefined || found !== undefined) return found;
    return this.#refuse(name, words.join(', ').replace(/, ([^,]*)$/, ' or $1'), didYouMean(value, words));
  }

  /** An address: a number, or hexadecimal digits. */
  address(name: string): bigint | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    if (typeof value === 'string' && /^(0x)?[0-9a-f]{1,16}$/i.test(value)) return BigInt(`0x${value.replace(/^0x/i, '')}`);
    return this.#refuse(name, 'an address', 'for example "0x400000"');
  }

  /** The members of a list, each with fields of its own; none where there is no list. */
  list(name: string): readonly Fields[] {
    return this.#list(name).map((value, n) => new Fields(value, `${this.#of}.${name}[${n}]`));
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => (typeof value === 'string' ? value : this.#refuse(name, 'a list of texts')));
  }

  #list(name: string): readonly unknown[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    return Array.isArray(value) ? value : this.#refuse(name, 'a list');
  }

  fields(name: string): Fields {
    return new Fields(this.#get(name), `${this.#of}.${name}`);
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
