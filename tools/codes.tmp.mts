import { Code, CodeExt, CpuidFeature, EncodingKind } from 'iced-x86';
import { decode } from '../src/isa/decode.ts';
import { encode, rows } from '../src/isa/encodings.ts';
import { MODES } from '../src/isa/mode.ts';
let st = 1; const random = (b: number) => { st = (Math.imul(st, 1664525) + 1013904223) >>> 0; return (st >>> 8) % b; };
for (const bits of [32, 16] as const) {
  const mode = MODES.find((m) => m.codeSize === bits && m.stackSize === bits)!;
  const un = new Map<string, string[]>(); const add = (k: string, v: string) => un.set(k, [...(un.get(k) ?? []), v]);
  let n = 0; let ok = 0;
  const have = new Set(rows(bits).map((r) => r.code));
  for (const c of Object.values(Code)) { if (typeof c !== 'number') continue; const i = CodeExt.opCode(c); if (i.isInstruction && (bits === 32 ? i.mode32 : i.mode16) && (i.encoding === EncodingKind.Legacy || i.encoding === EncodingKind.VEX) && !have.has(c)) add(i.fwait ? 'fwait' : 'norow', Code[c]!); i.free(); }
  for (const row of rows(bits)) {
    n++; let bytes: Uint8Array | undefined; let a: 16 | 32 = 32;
    for (let t = 0; t < 80 && !bytes; t++) { a = random(2) ? 16 : 32; bytes = encode(row, { random, register: () => random(8), inMemory: () => random(2) === 0, addressSize: () => a, memory: () => (a === 16 ? { base: 3, index: 6, scale: 0, displacement: 8 } : { base: 3, index: 6, scale: 1, displacement: 8 }) }); }
    if (!bytes) { add('noencode', Code[row.code]!); continue; }
    const d = decode(bytes, mode);
    const feats = row.features.map((f) => CpuidFeature[f]).join('+');
    if (d.kind === 'instruction') ok++; else add(`${d.kind} ${feats}`, Code[row.code]!);
  }
  console.log(bits, n, ok);
  for (const [k, v] of un) console.log('  ', k, v.length, v.slice(0, 400).join(' ').slice(0, 700));
}
