import type { Asked } from './asked.ts';
import { checkCanaries } from './canary.ts';
import type { Backend } from './encode.ts';
import { BackendRefusal } from './failure.ts';
import { renderAtt, renderIntel } from './render.ts';

/** `@defasm/core` as a backend: one line at a time, in the syntax of the source. Its bytes are not trusted: see `GuardedEncoder`. */
export async function loadDefasm(): Promise<Backend> {
  const { AssemblyState } = await import('@defasm/core');
  const assemble = (text: string, intel: boolean): Uint8Array => {
    const state = new AssemblyState({ syntax: { intel, prefix: !intel } });
    try {
      state.compile(text);
    } catch (error) {
      throw new BackendRefusal(error instanceof Error ? error.message : String(error));
    }
    const [first] = state.errors;
    if (first) throw new BackendRefusal(first.message);
    return Uint8Array.from(state.head.dump());
  };
  checkCanaries('@defasm/core', (text) => assemble(text, true));
  return {
    name: 'defasm',
    description: '@defasm/core, guarded',
    encode: (asked: Asked) => (asked.syntax === 'intel' ? assemble(renderIntel(asked), true) : assemble(renderAtt(asked), false)),
  };
}
