import { TextpokeError } from '../error.ts';
import { ByteReader } from './byte-reader.ts';
import type { ElfSection, ElfSymbol } from './elf.ts';

const SHT_SYMTAB = 2;
/** By class. */
const SYMBOL_BYTES = { 32: 16, 64: 24 } as const;
const REBUILD = 'the file is cut short or damaged: build or copy it again';

/** The defined, named symbols of every symbol table (System V ABI, "Symbol Table"), sections and source files left out. */
export function readSymbols(sections: readonly ElfSection[], where: string, bits: 32 | 64): ElfSymbol[] {
  const symbolBytes = SYMBOL_BYTES[bits];
  const symbols: ElfSymbol[] = [];
  for (const table of sections.filter((s) => s.type === SHT_SYMTAB)) {
    const strings = sections[table.link];
    const place = `${where}: ${table.name}`;
    if (!strings || strings.index === 0) {
      throw new TextpokeError('E_ELF', `its string table is section ${table.link}, which is not there`, { where: place, hint: REBUILD });
    }
    if (table.entrySize !== symbolBytes || table.size % symbolBytes !== 0) {
      throw new TextpokeError('E_ELF', `${table.size} bytes of entries of ${table.entrySize} are not symbols of ${symbolBytes}`, {
        where: place,
        hint: REBUILD,
      });
    }
    const reader = new ByteReader(table.bytes, place);
    for (let i = 0; i < table.bytes.length / symbolBytes; i++) {
      const nameOffset = reader.u32('a symbol');
      // ELF32 has value and size in front of the rest.
      const short = bits === 32 ? [reader.u32('a symbol'), reader.u32('a symbol')] : undefined;
      const info = reader.u8('a symbol');
      reader.u8('a symbol');
      const section = reader.u16('a symbol');
      const [address, size] =
        short === undefined ? [reader.u64('a symbol'), reader.u64('a symbol')] : (short.map(BigInt) as [bigint, bigint]);
      const type = info & 15;
      // Undefined (0) names nothing here; 3 and 4 are sections and source files, 6 is an offset into thread storage.
      if (section === 0 || nameOffset === 0 || type === 3 || type === 4 || type === 6) continue;
      const name = new ByteReader(strings.bytes, `${where}: ${strings.name}`, nameOffset).cstring(`the name of symbol ${i}`);
      if (name === '') continue;
      const binding = info >> 4;
      symbols.push({
        name,
        address,
        size,
        section,
        kind: type === 2 || type === 10 ? 'function' : type === 1 ? 'object' : 'label',
        binding: binding === 0 ? 'local' : binding === 2 ? 'weak' : 'global',
      });
    }
  }
  return symbols;
}
