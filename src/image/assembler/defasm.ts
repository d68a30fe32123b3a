import { TextpokeError } from '../../error.ts';
import type { Asked } from './asked.ts';
import type { Backend } from './encode.ts';
import { BackendRefusal } from './failure.ts';
import { renderAtt, renderIntel } from './render.ts';

/** The part of `@defasm/core` that is used; the package has no types of its own. */
interface DefasmState {
  readonly errors: readonly { readonly message: string }[];
  readonly head: { dump(): Uint8Array };
  compile(source: string): void;
}
interface DefasmModule {
  readonly AssemblyState: new (options: { syntax: { intel: boolean; prefix: boolean } }) => DefasmState;
}

/** `@defasm/core` as a backend: one line at a time, in the syntax of the source. Its bytes are not trusted: see `GuardedEncoder`. */
export async function loadDefasm(): Promise<Backend> {
  const name = '@defasm/core';
  const module: unknown = await import(name);
  if (!isDefasm(module)) throw new TextpokeError('E_ASM', '@defasm/core has no AssemblyState', { where: '@defasm/core', hint: 'install the version that package.json names' });
  const encode = (asked: Asked): Uint8Array => {
    const intel = asked.syntax === 'intel';
    const state = new module.AssemblyState({ syntax: { intel, prefix: !intel } });
    try {
      state.compile(intel ? renderIntel(asked) : renderAtt(asked));
    } catch (error) {
      throw new BackendRefusal(error instanceof Error ? error.message : String(error));
    }
    const [first] = state.errors;
    if (first) throw new BackendRefusal(first.message);
    return Uint8Array.from(state.head.dump());
  };
  return { name: 'defasm', description: '@defasm/core, guarded', encode };
}

const isDefasm = (module: unknown): module is DefasmModule =>
  typeof module === 'object' && module !== null && 'AssemblyState' in module && typeof module.AssemblyState === 'function';
