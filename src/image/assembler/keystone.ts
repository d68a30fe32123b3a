import type { Asked } from './asked.ts';
import { checkCanaries } from './canary.ts';
import type { Backend } from './encode.ts';
import { BackendRefusal } from './failure.ts';
import { renderIntel } from './render.ts';

/**
 * keystone-wasm as a backend: an optional peer, imported when asked for. `setOption` is never called on it, since any call makes it
 * read decimal numbers as hexadecimal (keystone-engine/keystone#436); so it reads Intel syntax, which is its default, with every number in
 * hexadecimal, and each instance first proves itself on decimal ones. Its bytes are not trusted: see `GuardedEncoder`.
 */
export async function loadKeystone(): Promise<Backend> {
  const { Keystone, Const, loadKeystone: load } = await import('keystone-wasm');
  // What it prints, it also throws.
  await load({ print: () => undefined, printErr: () => undefined });
  const open = () => {
    const fresh = new Keystone(Const.KS_ARCH_X86, Const.KS_MODE_64);
    checkCanaries('keystone-wasm', (text) => fresh.asm(text, { address: 0 }));
    return fresh;
  };
  const { major, minor } = Keystone.version();
  /** Undefined once a new instance could not be had: LLVM aborts the whole module on some input. */
  let instance: ReturnType<typeof open> | undefined = open();
  return {
    name: 'keystone',
    description: `keystone ${major}.${minor} (keystone-wasm), guarded`,
    encode(asked: Asked, address: bigint): Uint8Array {
      if (!instance) throw new BackendRefusal('it has crashed');
      try {
        return instance.asm(renderIntel(asked), { address });
      } catch (error) {
        // After an error the parser's state is not to be relied on: a new instance, canary and all, takes over.
        try {
          instance.close();
          instance = open();
        } catch {
          instance = undefined;
        }
        throw new BackendRefusal(error instanceof Error ? error.message : String(error));
      }
    },
  };
}
