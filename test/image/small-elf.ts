/** What a test may change in the small executable below. */
export interface SmallElf {
  readonly entry?: bigint;
  /** Address, physical address, contents, memory size and `p_flags` of each PT_LOAD. */
  readonly loads?: readonly {
    address: bigint;
    physical?: bigint;
    bytes: readonly number[];
    memorySize?: bigint;
    flags?: number;
    type?: number;
  }[];
  readonly symbols?: readonly { name: string; address: bigint; size?: bigint; info?: number }[];
}

/** Writes an ELF64 executable by hand, field by field: header, program headers, contents, symbol table, names, section headers. */
export function smallElf(options: SmallElf = {}): Uint8Array {
  const loads = options.loads ?? [{ address: 0x401000n, bytes: [0x90, 0xc3] }];
  const symbols = options.symbols ?? [{ name: 'start', address: 0x401000n, size: 2n, info: 0x12 }];
  const strings = ['', ...symbols.map((s) => s.name)];
  const stringTable = new TextEncoder().encode(strings.map((s) => `${s}\0`).join(''));
  const names = ['', '.text', '.symtab', '.strtab', '.shstrtab'];
  const nameTable = new TextEncoder().encode(names.map((s) => `${s}\0`).join(''));
  const offsetOf = (list: readonly string[], i: number): number => list.slice(0, i).reduce((sum, s) => sum + s.length + 1, 0);
  const contentsAt = 64 + 56 * loads.length;
  const contents = loads.flatMap((l) => l.bytes);
  const symbolsAt = contentsAt + contents.length;
  const stringsAt = symbolsAt + 24 * (symbols.length + 1);
  const namesAt = stringsAt + stringTable.length;
  const sectionsAt = namesAt + nameTable.length;
  const file = new Uint8Array(sectionsAt + 64 * 5);
  const view = new DataView(file.buffer);
  let at = 0;
  const u8 = (...values: number[]) => values.forEach((v) => view.setUint8(at++, v));
  const u16 = (...values: number[]) =>
    values.forEach((v) => {
      view.setUint16(at, v, true);
      at += 2;
    });
  const u32 = (...values: number[]) =>
    values.forEach((v) => {
      view.setUint32(at, v, true);
      at += 4;
    });
  const u64 = (...values: bigint[]) =>
    values.forEach((v) => {
      view.setBigUint64(at, v, true);
      at += 8;
    });
  u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  u16(2, 62);
  u32(1);
  u64(options.entry ?? loads[0]?.address ?? 0n, 64n, BigInt(sectionsAt));
  u32(0);
  u16(64, 56, loads.length, 64, 5, 4);
  let offset = contentsAt;
  for (const load of loads) {
    u32(load.type ?? 1, load.flags ?? 5);
    u64(
      BigInt(offset),
      load.address,
      load.physical ?? load.address,
      BigInt(load.bytes.length),
      load.memorySize ?? BigInt(load.bytes.length),
      0x1000n,
    );
    offset += load.bytes.length;
  }
  u8(...contents);
  at += 24;
  symbols.forEach((s, i) => {
    u32(offsetOf(strings, i + 1));
    u8(s.info ?? 0x12, 0);
    u16(1);
    u64(s.address, s.size ?? 0n);
  });
  u8(...stringTable, ...nameTable);
  at += 64;
  const section = (
    name: number,
    type: number,
    flags: bigint,
    address: bigint,
    start: number,
    size: number,
    link: number,
    entrySize: bigint,
  ) => {
    u32(offsetOf(names, name), type);
    u64(flags, address, BigInt(start), BigInt(size));
    u32(link, 1);
    u64(1n, entrySize);
  };
  section(1, 1, 6n, loads[0]?.address ?? 0n, contentsAt, loads[0]?.bytes.length ?? 0, 0, 0n);
  section(2, 2, 0n, 0n, symbolsAt, 24 * (symbols.length + 1), 3, 24n);
  section(3, 3, 0n, 0n, stringsAt, stringTable.length, 0, 0n);
  section(4, 3, 0n, 0n, namesAt, nameTable.length, 0, 0n);
  return file;
}

/** A copy of `bytes` with a little-endian field of `size` bytes at `offset` replaced. */
export function withField(bytes: Uint8Array, offset: number, size: 1 | 2 | 4 | 8, value: bigint): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let i = 0; i < size; i++) copy[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return copy;
}
