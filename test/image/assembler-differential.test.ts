import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAssembler, makeAssembler } from '../../src/image/assembler/index.ts';
import { assembleWithGnu, compareLine, disassemble, hex, noBackend, tally } from '../../tools/differential-asm.ts';
import { haveTools, inTemporaryDirectory } from './gnu.ts';

/** Lines whose bytes may differ from those of GNU as, and why that is the same instruction. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  keystone: {
    'lock cmpxchgw %cx,(%rdx)': 'F0 stands before 66: legacy prefixes have no order (SDM Vol. 2, "Instruction Prefixes")',
    'rep movsw': 'F3 stands before 66: legacy prefixes have no order',
  },
  own: { 'lock cmpxchgw %cx,(%rdx)': 'F0 stands before 66: legacy prefixes have no order' },
  defasm: { 'rep movsw': 'F3 stands before 66: legacy prefixes have no order' },
};

const have = haveTools('as', 'ld', 'objcopy', 'nm');

describe.skipIf(!have)('assemblers against GNU as (skipped without as, ld, objcopy and nm)', () => {
  const lines = have ? assembleWithGnu() : [];

  it.each(['keystone', 'defasm', 'own'])('%s gives equal bytes on every line, or is excused by name', async (name) => {
    const assembler = name === 'own' ? makeAssembler(noBackend) : await loadAssembler(name);
    const results = lines.map((line) => compareLine(assembler, line));
    process.stdout.write(`${tally(name, results)}\n`);
    const excused = ALLOWED[name] ?? {};
    const unequal = results.filter((r) => r.outcome !== 'equal');
    expect(
      unequal
        .filter((r) => !(r.outcome === 'same instruction' && r.line.text in excused))
        .map((r) => `${r.outcome}: ${r.line.text} ${r.message}`),
    ).toEqual([]);
    for (const r of unequal) {
      expect(r.bytes).toHaveLength(r.line.bytes.length);
      expect(disassemble(r.bytes ?? new Uint8Array(0), r.line.address)).toBe(disassemble(r.line.bytes, r.line.address));
    }
    expect(new Set(unequal.map((r) => r.line.text))).toEqual(new Set(Object.keys(excused)));
    expect(results.length).toBeGreaterThanOrEqual(500);
    // The backend does the bulk of the work: a guard that refused everything would leave it to our own encoder.
    const byBackend = results.filter((r) => r.by.has('backend')).length;
    if (name === 'own') expect(byBackend).toBe(0);
    else expect(byBackend).toBeGreaterThan(400);
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
