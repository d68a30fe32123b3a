import { formKey, type Instruction } from '../isa/instruction.ts';
import { handlerModule, MAX_HANDLERS } from './handler-code.ts';
import type { MemoryMap } from './layout.ts';
import type { Features } from './memory-abi.ts';

/** Modules of regions that are kept for later machines. */
const MAX_REGION_MODULES = 1000;

/** An instruction form and the number of its handler. */
export interface Form {
  readonly number: number;
  readonly instruction: Instruction;
}

/**
 * What all machines of one build share: compiled modules, and the forms that any of them has met with their numbers. A form that is new gets a
 * module of its own; whoever comes later gets all that are known in a few modules. What a module holds depends on the build and the forms
 * alone, so nothing can tell the difference.
 */
export class Forms {
  readonly list: Form[] = [];
  readonly #map: MemoryMap;
  readonly #features: Features;
  readonly #byKey = new Map<string, Form>();
  readonly #modules = new Map<string, WebAssembly.Module>();
  readonly #regions = new Map<string, WebAssembly.Module>();
  readonly #batches: WebAssembly.Module[] = [];
  #batched = 0;

  constructor(map: MemoryMap, features: Features) {
    this.#map = map;
    this.#features = features;
  }

  /** The form of an instruction. */
  of(instruction: Instruction): Form {
    const key = formKey(instruction);
    let form = this.#byKey.get(key);
    if (form === undefined) {
      if (this.list.length >= MAX_HANDLERS) throw new Error('more instruction forms than handlers');
      form = { number: this.list.length, instruction };
      this.list.push(form);
      this.#byKey.set(key, form);
    }
    return form;
  }

  /** A module by name, compiled the first time. */
  module(name: string, bytes: () => Uint8Array<ArrayBuffer>): WebAssembly.Module {
    let module = this.#modules.get(name);
    if (module === undefined) {
      module = new WebAssembly.Module(bytes());
      this.#modules.set(name, module);
    }
    return module;
  }

  /** The module of a region, by what its code is made from. */
  region(key: string, bytes: () => Uint8Array<ArrayBuffer>): WebAssembly.Module {
    let module = this.#regions.get(key);
    if (module === undefined) {
      if (this.#regions.size === MAX_REGION_MODULES) this.#regions.clear();
      module = new WebAssembly.Module(bytes());
      this.#regions.set(key, module);
    }
    return module;
  }

  /** The module with the handler of one form. */
  single(form: Form): WebAssembly.Module {
    return this.module(`form ${form.number}`, () => handlerModule([form], this.#map, this.#features, true));
  }

  /** Modules with the handlers of the forms numbered below `count`, which are all that are known now. */
  known(): { readonly modules: readonly WebAssembly.Module[]; readonly count: number } {
    if (this.#batched < this.list.length) {
      this.#batches.push(new WebAssembly.Module(handlerModule(this.list.slice(this.#batched), this.#map, this.#features)));
      this.#batched = this.list.length;
    }
    return { modules: this.#batches, count: this.#batched };
  }
}

const BUILDS = new Map<string, Forms>();

/** What the machines with this memory map and these features share. */
export function formsOf(map: MemoryMap, features: Features): Forms {
  const key = JSON.stringify([features, map]);
  let forms = BUILDS.get(key);
  if (forms === undefined) {
    forms = new Forms(map, features);
    BUILDS.set(key, forms);
  }
  return forms;
}
