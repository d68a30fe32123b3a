import { TextpokeError } from '../../error.ts';
import type { Asked } from './asked.ts';
import type { Backend } from './encode.ts';
import { BackendRefusal } from './failure.ts';
import { renderIntel } from './render.ts';

/** The part of `keystone-wasm` that is used. The package may be absent, so its own types are not relied on. */
interface KeystoneInstance {
  asm(text: string, options: { address: number | bigint }): Uint8Array;
  close(): void;
}
interface KeystoneModule {
  readonly Keystone: { new (architecture: number, mode: number): KeystoneInstance; version(): { major: number; minor: number } };
  readonly Const: { readonly KS_ARCH_X86: number; readonly KS_MODE_64: number };
  loadKeystone(options: { print(text: string): void; printErr(text: string): void }): Promise<void>;
}

/**
 * keystone-wasm as a backend: an optional peer, imported when asked for. `setOption` is never called on it, since any call makes it
 * read decimal numbers as hexadecimal (keystone issue 436); so it reads Intel syntax, which is its default, with every number in
 * hexadecimal, and each instance first proves itself on a decimal one. Its bytes are not trusted: see `GuardedEncoder`.
 */
export async function loadKeystone(): Promise<Backend> {
  const name = 'keystone-wasm';
  const module: unknown = await import(name);
  if (!isKeystone(module)) throw new TextpokeError('E_ASM', 'keystone-wasm has no Keystone', { where: name, hint: 'install the version that package.json names' });
  // What it prints, it also throws.
  await module.loadKeystone({ print: () => undefined, printErr: () => undefined });
  const { Keystone, Const } = module;
  const open = (): KeystoneInstance => {
    const instance = new Keystone(Const.KS_ARCH_X86, Const.KS_MODE_64);
    for (const [text, wanted] of CANARIES) {
      const bytes = instance.asm(text, { address: 0 });
      if (bytes.length !== wanted.length || !wanted.every((b, i) => bytes[i] === b)) {
        throw new TextpokeError('E_ASM', `keystone makes ${hex(bytes)} of '${text}', not ${hex(wanted)}`, {
          where: 'keystone-wasm', hint: 'this copy reads numbers wrongly: use the defasm backend',
        });
      }
    }
    return instance;
  };
  /** Undefined once a new instance could not be had: LLVM aborts the whole module on some input. */
  let instance: KeystoneInstance | undefined = open();
  const { major, minor } = Keystone.version();
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

const isKeystone = (module: unknown): module is KeystoneModule =>
  typeof module === 'object' && module !== null && 'Keystone' in module && 'Const' in module && 'loadKeystone' in module;

/** Decimal numbers on purpose: an instance that reads them in another base must not be used. */
const CANARIES: readonly (readonly [string, readonly number[]])[] = [
  ['mov eax, 10', [0xb8, 0x0a, 0, 0, 0]],
  ['lea rax, [rsp+12]', [0x48, 0x8d, 0x44, 0x24, 0x0c]],
];

const hex = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ');
