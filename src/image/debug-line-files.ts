import type { ByteReader } from './byte-reader.ts';
import type { LineStrings } from './debug-line.ts';

const DAMAGED = 'the debug information is damaged or of an unknown kind: build the file again, or strip it with strip -g';
const DW_LNCT_path = 1n;
const DW_LNCT_directory_index = 2n;

/**
 * The file names of a line table, in order, with their directories in front (DWARF 5 section 6.2.4; for versions up to 4 section
 * 6.2.4 of DWARF 4, where directory 0, the one of compilation, is not in the table and the name stands alone).
 */
export function readFileTables(reader: ByteReader, version: number, wide: boolean, strings: LineStrings): string[] {
  return version >= 5 ? readTables5(reader, wide, strings) : readTables4(reader);
}

function readTables4(reader: ByteReader): string[] {
  const directories = [''];
  for (;;) {
    const directory = reader.cstring('a directory');
    if (directory === '') break;
    directories.push(directory);
  }
  const files: string[] = [];
  for (;;) {
    const name = reader.cstring('a file name');
    if (name === '') return files;
    const directory = directories[Number(reader.uleb('a directory index'))] ?? '';
    reader.uleb('a time');
    reader.uleb('a length');
    files.push(join(directory, name));
  }
}

interface Entry {
  readonly path: string;
  readonly directory: number;
}

function readTables5(reader: ByteReader, wide: boolean, strings: LineStrings): string[] {
  const directories = readEntries(reader, wide, strings, 'directory');
  const root = directories[0]?.path ?? '';
  const files = readEntries(reader, wide, strings, 'file');
  return files.map((f) => {
    const directory = directories[f.directory]?.path ?? '';
    return join(f.directory === 0 ? root : join(root, directory), f.path);
  });
}

function readEntries(reader: ByteReader, wide: boolean, strings: LineStrings, what: string): Entry[] {
  const formats = Array.from({ length: reader.u8(`the ${what} formats`) }, () => ({
    content: reader.uleb(`a ${what} content code`),
    form: Number(reader.uleb(`a ${what} form`)),
  }));
  const count = reader.uleb(`the number of ${what} entries`);
  // An entry takes at least a byte when it has a format; without one, a count is a lie that would only cost time.
  if (count > BigInt(reader.end - reader.position) || (formats.length === 0 && count > 0n)) {
    throw reader.error(`${count} ${what} entries do not fit the section`, DAMAGED);
  }
  const entries: Entry[] = [];
  for (let i = 0n; i < count; i++) {
    let path = '';
    let directory = 0;
    for (const { content, form } of formats) {
      const value = readForm(reader, form, wide, strings);
      if (content === DW_LNCT_path && typeof value === 'string') path = value;
      if (content === DW_LNCT_directory_index && typeof value === 'number') directory = value;
    }
    entries.push({ path, directory });
  }
  return entries;
}

/** One attribute value (section 7.5.6): a string, a number, or undefined for a block such as an MD5. */
function readForm(reader: ByteReader, form: number, wide: boolean, strings: LineStrings): string | number | undefined {
  const offset = (): number => (wide ? reader.size64('a string offset') : reader.u32('a string offset'));
  switch (form) {
    case 0x08:
      return reader.cstring('an inline string');
    case 0x0b:
      return reader.u8('data1');
    case 0x05:
      return reader.u16('data2');
    case 0x06:
      return reader.u32('data4');
    case 0x07:
      return Number(reader.u64('data8'));
    case 0x0f:
      return Number(reader.uleb('udata'));
    case 0x0e:
      return stringAt(strings.plain, offset());
    case 0x1f:
      return stringAt(strings.line, offset());
    case 0x1e:
      reader.take(16, 'an MD5');
      return undefined;
    case 0x09:
      reader.take(Number(reader.uleb('a block length')), 'a block');
      return undefined;
    default:
      throw reader.error(`form 0x${form.toString(16)} is not one of a line table`, DAMAGED);
  }
}

function stringAt(section: ByteReader, offset: number): string {
  section.position = offset;
  return section.cstring('a string');
}

/** `directory/name`; a directory that is the current one, as builds for any place have it, says nothing and is left out. */
function join(directory: string, name: string): string {
  const path = directory === '' || name.startsWith('/') ? name : `${directory}/${name}`;
  return path.replace(/^(?:\.\/)+/, '');
}
