import { TextpokeError } from '../../error.ts';
import { didYouMean } from '../../suggest.ts';
import { Image } from '../image.ts';
import { LineTable } from '../lines.ts';
import type { Assembled, AssembleOptions, Assembler } from './assembler.ts';
import { loadDefasm } from './defasm.ts';
import { type Backend, GuardedEncoder } from './encode.ts';
import { AsmFailure } from './failure.ts';
import { loadKeystone } from './keystone.ts';
import { layOut } from './layout.ts';
import { parseSource } from './parse-source.ts';

export type { Assembled, AssembledLine, AssembleOptions, Assembler, Syntax } from './assembler.ts';

const LOADERS = { keystone: loadKeystone, defasm: loadDefasm } as const;
export type AssemblerName = keyof typeof LOADERS;
export const ASSEMBLER_NAMES: readonly AssemblerName[] = ['keystone', 'defasm'];

/**
 * The assembler called `preferred`; without one, keystone where it is installed and passes its canary, else defasm. `E_ASM` when the
 * preferred one is unknown or cannot be loaded.
 */
export async function loadAssembler(preferred?: string): Promise<Assembler> {
  if (preferred !== undefined) {
    const name = ASSEMBLER_NAMES.find((n) => n === preferred);
    if (!name) {
      throw new TextpokeError('E_ASM', `there is no assembler '${preferred}'`, {
        where: preferred,
        hint: didYouMean(preferred, ASSEMBLER_NAMES) ?? `there are ${ASSEMBLER_NAMES.join(' and ')}`,
      });
    }
    return makeAssembler(await load(name));
  }
  try {
    return makeAssembler(await load('keystone'));
  } catch (error) {
    if (!(error instanceof TextpokeError)) throw error;
    return makeAssembler(await load('defasm'));
  }
}

async function load(name: AssemblerName): Promise<Backend> {
  try {
    return await LOADERS[name]();
  } catch (error) {
    if (error instanceof TextpokeError) throw error;
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new TextpokeError('E_ASM', `the assembler ${name} cannot be loaded: ${why}`, {
      where: name,
      hint: name === 'keystone' ? 'npm install keystone-wasm, or use defasm' : 'npm install',
    });
  }
}

/** Puts our parser, layout and guard in front of a backend. */
export function makeAssembler(backend: Backend): Assembler {
  const encoder = new GuardedEncoder(backend);
  return {
    name: backend.name,
    description: backend.description,
    assemble(source: string, options: AssembleOptions): Assembled {
      try {
        return layOut(parseSource(source, options.syntax ?? 'att'), encoder, options);
      } catch (error) {
        throw error instanceof AsmFailure ? error.toTextpokeError(options.file ?? '<asm>') : error;
      }
    },
  };
}

/**
 * An image of assembled text: one segment, readable, writable and executable. `entry` is an address or the name of a symbol; default
 * `_start` where it is defined, else the first byte. `physical` defaults to the address.
 */
export function imageFromAssembled(assembled: Assembled, options: { entry?: bigint | string; physical?: bigint } = {}): Image {
  const { address, bytes } = assembled;
  if (bytes.length === 0)
    throw new TextpokeError('E_ASM', 'the source makes no bytes', { where: 'assembled text', hint: 'write an instruction' });
  const end = address + BigInt(bytes.length);
  const symbols = [...assembled.symbols]
    .filter(([, at]) => at >= address && at < end)
    .map(([name, at]) => ({ name, address: at, size: 0, kind: 'label' }) as const);
  const segment = {
    address,
    physical: options.physical ?? address,
    bytes,
    memorySize: bytes.length,
    readable: true,
    writable: true,
    executable: true,
  };
  const withEntry = (entry: bigint): Image => new Image({ segments: [segment], entry, symbols, lines: new LineTable(assembled.lines) });
  const image = withEntry(address);
  const { entry = image.hasSymbol('_start') ? '_start' : address } = options;
  return withEntry(typeof entry === 'bigint' ? entry : image.symbol(entry).address);
}
