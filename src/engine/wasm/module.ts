import { Bytes, type Code, I32, i32, uleb, type ValueType } from './code.ts';

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

interface DefinedFunction {
  readonly type: number;
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/**
 * Builds one WebAssembly module: imports first, then functions in the order in which they were declared. A function may be
 * declared before it is defined, so that functions can call each other.
 * Source: WebAssembly Core Specification, "Binary Format", "Modules".
 */
export class ModuleBuilder {
  readonly #types: FunctionType[] = [];
  readonly #imports: Code[] = [];
  readonly #functions: (DefinedFunction | undefined)[] = [];
  readonly #declared: number[] = [];
  readonly #globals: Code[] = [];
  readonly #exports: Code[] = [];
  readonly #elements: { offset: number; functions: number[] }[] = [];
  #importedFunctions = 0;
  #importedGlobals = 0;

  type(type: FunctionType): number {
    const same = this.#types.findIndex((t) => `${t.params}>${t.results}` === `${type.params}>${type.results}`);
    return same >= 0 ? same : this.#types.push(type) - 1;
  }

  importMemory(name: string, minimumPages: number, maximumPages: number): void {
    this.#imports.push([str('env'), str(name), 0x02, 0x01, uleb(minimumPages), uleb(maximumPages)]);
  }

  importTable(name: string, minimum: number): void {
    this.#imports.push([str('env'), str(name), 0x01, 0x70, 0x00, uleb(minimum)]);
  }

  importFunction(name: string, type: FunctionType): number {
    this.#imports.push([str('env'), str(name), 0x00, uleb(this.type(type))]);
    return this.#importedFunctions++;
  }

  importGlobal(name: string): number {
    this.#imports.push([str('env'), str(name), 0x03, I32, 1]);
    return this.#importedGlobals++;
  }

  /** Declares a function: its number, to be used by calls before `define`. All imports must come before. */
  declare(type: FunctionType, exportName?: string): number {
    const n = this.#importedFunctions + this.#declared.length;
    this.#declared.push(this.type(type));
    this.#functions.push(undefined);
    if (exportName !== undefined) this.#exports.push([str(exportName), 0x00, uleb(n)]);
    return n;
  }

  define(fn: number, locals: readonly ValueType[], body: Code): void {
    const at = fn - this.#importedFunctions;
    this.#functions[at] = { type: this.#declared[at] as number, locals, body };
  }

  /** A mutable i32 global. */
  global(initial: number, exportName?: string): number {
    this.#globals.push([I32, 1, i32.const(initial), 0x0b]);
    const n = this.#importedGlobals + this.#globals.length - 1;
    if (exportName !== undefined) this.#exports.push([str(exportName), 0x03, uleb(n)]);
    return n;
  }

  /** Fills the imported table from `offset` with functions. */
  elements(offset: number, functions: number[]): void {
    this.#elements.push({ offset, functions });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.add([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, items: readonly Code[], add = (item: Code): void => out.add(item)): void => {
      if (items.length === 0) return;
      out.add([id]);
      out.sized(() => {
        out.add(uleb(items.length));
        for (const item of items) add(item);
      });
    };
    section(
      1,
      this.#types.map((t) => [0x60, uleb(t.params.length), t.params, uleb(t.results.length), t.results]),
    );
    section(2, this.#imports);
    section(
      3,
      this.#declared.map((t) => uleb(t)),
    );
    section(6, this.#globals);
    section(7, this.#exports);
    section(
      9,
      this.#elements.map((e) => [0x00, i32.const(e.offset), 0x0b, uleb(e.functions.length), e.functions.map(uleb)]),
    );
    section(
      10,
      this.#functions.map((fn) => {
        if (fn === undefined) throw new Error('a declared function has no body');
        return [localsOf(fn), fn.body, 0x0b];
      }),
      (fn) => out.sized(() => out.add(fn)),
    );
    return out.all;
  }
}

/** The locals of a function: each run of equal types with its length. */
function localsOf({ locals }: DefinedFunction): Code {
  const runs: Code[] = [];
  for (let i = 0; i < locals.length; ) {
    let j = i;
    while (j < locals.length && locals[j] === locals[i]) j++;
    runs.push([uleb(j - i), locals[i] as number]);
    i = j;
  }
  return [uleb(runs.length), runs];
}

function str(s: string): Code {
  const bytes = [...new TextEncoder().encode(s)];
  return [uleb(bytes.length), bytes];
}
