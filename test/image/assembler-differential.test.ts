import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAssembler, makeAssembler } from '../../src/image/assembler/index.ts';
import { assembleWithGnu, compareLine, differentialLines, disassemble, hex, noBackend, tally } from '../../tools/differential-asm.ts';
import { randomLines } from '../../tools/differential-asm-random.ts';
import { haveTools, inTemporaryDirectory } from './gnu.ts';

/** Lines whose bytes may differ from those of GNU as, and why that is the same instruction. There is none at present. */
const EXCUSED: Readonly<Record<string, string>> = {};

/** Why we refuse lines that GNU as takes: it cuts numbers short with a warning, or picks a size that nothing says, or takes any register for CL. */
const REFUSALS = /is ambiguous|cannot be encoded|takes no repeat prefix|suffix of (?:sh|sa|ro|rc|crc)\w+ says|^'l(?:jmp|call)w' is not/;

const SEEDS = [1, 31677, 71276];
const have = haveTools('as', 'ld', 'objcopy', 'nm');

describe.skipIf(!have)('assemblers against GNU as (skipped without as, ld, objcopy and nm)', () => {
  const lines = have ? assembleWithGnu(differentialLines()) : [];

  it.each(['keystone', 'defasm', 'own'])('%s gives equal bytes on every line, or is excused by name', async (name) => {
    const assembler = name === 'own' ? makeAssembler(noBackend) : await loadAssembler(name);
    const results = lines.map((line) => compareLine(assembler, line));
    process.stdout.write(`${tally(name, results)}\n`);
    const unequal = results.filter((r) => r.outcome !== 'equal');
    expect(
      unequal
        .filter((r) => !(r.outcome === 'same instruction' && r.line.text in EXCUSED))
        .map((r) => `${r.outcome}: ${r.line.text} ${r.message}`),
    ).toEqual([]);
    for (const r of unequal) {
      expect(r.bytes).toHaveLength(r.line.bytes.length);
      expect(disassemble(r.bytes ?? new Uint8Array(0), r.line.address)).toBe(disassemble(r.line.bytes, r.line.address));
    }
    expect(new Set(unequal.map((r) => r.line.text))).toEqual(new Set(Object.keys(EXCUSED)));
    expect(results.length).toBeGreaterThanOrEqual(500);
    // The backend does the bulk of the work: a guard that refused everything would leave it to our own encoder.
    const byBackend = results.filter((r) => r.by.has('backend')).length;
    if (name === 'own') expect(byBackend).toBe(0);
    else expect(byBackend).toBeGreaterThan(400);
  });

  it.each(SEEDS)('agree on random lines of seed %i, whichever backend is used, or refuse', async (seed) => {
    const drawn = randomLines(seed, 1500).map((text) => ({ text, syntax: 'att' as const }));
    const taken = assembleWithGnu(drawn, true);
    const all = [await loadAssembler('keystone'), await loadAssembler('defasm'), makeAssembler(noBackend)];
    for (const assembler of all) {
      const results = taken.map((line) => compareLine(assembler, line));
      expect(
        results
          .filter((r) => r.outcome === 'wrong' || r.outcome === 'same instruction')
          .map((r) => `${r.line.text}: ${hex(r.line.bytes)} not ${hex(r.bytes ?? new Uint8Array(0))}`),
      ).toEqual([]);
      expect(
        results.filter((r) => r.outcome === 'rejected' && !REFUSALS.test(r.message)).map((r) => `${r.line.text}: ${r.message}`),
      ).toEqual([]);
      expect(results.filter((r) => r.outcome === 'equal').length).toBeGreaterThan(0.8 * results.length);
    }
    expect(taken.length).toBeGreaterThan(300);
    // What GNU as refuses, we refuse, but for suffixes that it leaves out of its table and selectors of another width.
    const known = new Set(taken.map((l) => l.text));
    const own = all[2];
    const extra = drawn.filter(
      (l) =>
        !known.has(l.text) &&
        own &&
        compareLine(own, { ...l, address: 0xffffffff81000000n, bytes: new Uint8Array(0) }).outcome !== 'rejected',
    );
    expect(
      extra.map((l) => l.text).filter((text) => !/^(?:movz|movs|verw|verr|lldt|ltr|lar|lsl|rdrand|rdfsbase|sldt|str|smsw)/.test(text)),
    ).toEqual([]);
  });

  it('lays random programs of branches, data and padding out as GNU as does', () => {
    const labels = 8;
    const label = fc.nat(labels - 1);
    const statement = fc.oneof(
      fc.tuple(fc.constantFrom('jmp', 'je', 'jne', 'jg', 'call'), label).map(([m, l]) => `${m} L${l}`),
      fc
        .tuple(fc.constantFrom('lea', 'cmpl $1,', 'jmp'), label)
        .map(([m, l]) => (m === 'lea' ? `lea L${l}(%rip),%rax` : m === 'jmp' ? `jmp *L${l}(%rip)` : `${m}L${l}(%rip)`)),
      fc.integer({ min: 1, max: 60 }).map((n) => `.skip ${n}`),
      fc.integer({ min: 1, max: 180 }).map((n) => `.nops ${n}`),
      fc.tuple(label, label).map(([a, b]) => `.long L${a} - L${b}, . - L${a}`),
      fc.constantFrom('ret', 'mov $10,%eax', '.balign 8', '.p2align 4', '.byte 0xcc'),
    );
    const program = fc.array(statement, { minLength: 10, maxLength: 60 }).map((list) => {
      const lines = [...list];
      for (let i = 0; i < labels; i++) lines.splice(Math.floor(((i + 1) * lines.length) / (labels + 1)), 0, `L${i}:`);
      return `${lines.join('\n')}\n`;
    });
    const assembler = makeAssembler(noBackend);
    inTemporaryDirectory((directory) => {
      fc.assert(
        fc.property(program, (source) => {
          writeFileSync(join(directory, 'p.s'), source);
          execFileSync('as', ['-o', 'p.o', 'p.s'], { cwd: directory });
          execFileSync('ld', ['-Ttext=0x401000', '-e', '0x401000', '-o', 'p.elf', 'p.o'], { cwd: directory });
          execFileSync('objcopy', ['-O', 'binary', '-j', '.text', 'p.elf', 'p.bin'], { cwd: directory });
          expect(hex(assembler.assemble(source, { address: 0x401000n }).bytes)).toBe(hex(readFileSync(join(directory, 'p.bin'))));
        }),
        { numRuns: 40 },
      );
    });
  });
});
