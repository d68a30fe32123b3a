import fc from 'fast-check';
import { Register } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { TextpokeError } from '../../src/error.ts';
import type { Backend } from '../../src/image/assembler/encode.ts';
import { BackendRefusal } from '../../src/image/assembler/failure.ts';
import { ASSEMBLER_NAMES, imageFromAssembled, loadAssembler, makeAssembler, type Syntax } from '../../src/image/assembler/index.ts';
import { loadKeystone } from '../../src/image/assembler/keystone.ts';
import { TokenReader, tokenize } from '../../src/image/assembler/lexer.ts';
import { parseInstruction } from '../../src/image/assembler/parse-instruction.ts';
import { ATT_LINES } from '../../tools/differential-asm/lines.ts';
import { disassemble, hex, noBackend } from '../../tools/differential-asm.ts';

const assemblers = await Promise.all(ASSEMBLER_NAMES.map((n) => loadAssembler(n)));
const own = makeAssembler(noBackend);

describe.each([...assemblers, own])('assembler $name', (assembler) => {
  const bytesOf = (source: string, syntax: Syntax = 'att') =>
    hex(assembler.assemble(source, { address: 0x1000n, syntax, symbols: { extern: 0x2000n } }).bytes);
  const failure = (source: string, syntax: Syntax = 'att'): TextpokeError => {
    try {
      bytesOf(source, syntax);
    } catch (error) {
      if (error instanceof TextpokeError) return error;
      throw error;
    }
    throw new Error(`accepted: ${source} gives ${bytesOf(source, syntax)}`);
  };

  // Bytes by GNU as 2.40.
  const known: [string, string][] = [
    ['mov $10,%eax', 'b8 0a 00 00 00'],
    ['mov 12(%rsp),%rax', '48 8b 44 24 0c'],
    ['imul $10,%rax', '48 6b c0 0a'],
    ['nopl (%rax)', '0f 1f 00'],
    ['int $3', 'cc'],
    ['mov %gs:0x10,%rax', '65 48 8b 04 25 10 00 00 00'],
    ['endbr64', 'f3 0f 1e fa'],
    ['serialize', '0f 01 e8'],
    ['1: jmp 1b', 'eb fe'],
    ['call extern', 'e8 fb 0f 00 00'],
    ['mov extern(%rip),%rax', '48 8b 05 f9 0f 00 00'],
    ['flds (%rax)', 'd9 00'],
    ['fldl (%rax)', 'dd 00'],
    ['fldt (%rax)', 'db 28'],
    ['fstpt 8(%rsp)', 'db 7c 24 08'],
    ['fildl (%rax)', 'db 00'],
    ['fistpll (%rax)', 'df 38'],
    ['fld %st(1)', 'd9 c1'],
    ['fadd %st(3),%st', 'd8 c3'],
    ['fsub %st,%st(3)', 'dc e3'],
    ['fxch', 'd9 c9'],
    ['fnsave (%rdi)', 'dd 37'],
  ];
  it.each(known)('%s is %s', (source, bytes) => expect(bytesOf(source)).toBe(bytes));

  it.each([
    'movq SYM,%r9',
    'movb $-1,SYM',
    'movw $0x1234,SYM',
    'addl $5,SYM',
    'addl $0x12345,SYM',
    'movq $-2,SYM',
    'lock cmpxchgq %rcx,SYM',
    'lock cmpxchg16b SYM',
    'imul $7,SYM,%eax',
    'imul $700,SYM,%eax',
    'shll $3,SYM',
    'xchgq %rax,%fs:SYM',
    'leaq SYM,%rdi',
    'movzbl SYM,%eax',
    'jmp *SYM',
    'testb $4,SYM',
  ])('%s has the bytes of its displacement, whichever it had before', (line) => {
    for (const target of [0x2000n, 0x1001n, 0x12345678n, 0n, 0x1100n]) {
      const at = (operand: string) =>
        assembler.assemble(line.replace('SYM', `${operand}(%rip)`), { address: 0x1000n, symbols: { sym: target } }).bytes;
      const named = at('sym');
      expect(hex(named)).toBe(hex(at(`${target - 0x1000n - BigInt(named.length)}`)));
    }
  });

  it('lays out labels, data and repeats', () => {
    const source =
      'start: jmp over /* two\nlines */\n.set count, 2\ndata: .rept count\n .byte 1 # one\n .rept 2; .byte 0xee; .endr\n .endr\nover: .long over - start, end - .\nend = .';
    const { bytes, symbols, lines } = assembler.assemble(source, { address: 0x1000n });
    expect(hex(bytes)).toBe('eb 06 01 ee ee 01 ee ee 08 00 00 00 04 00 00 00');
    expect(Object.fromEntries(symbols)).toEqual({ start: 0x1000n, data: 0x1002n, over: 0x1008n, end: 0x1010n, count: 2n });
    expect(lines.map((l) => [l.line, l.offset, l.length])).toEqual([
      [1, 0, 2],
      [5, 2, 1],
      [6, 3, 1],
      [6, 4, 1],
      [5, 5, 1],
      [6, 6, 1],
      [6, 7, 1],
      [8, 8, 4],
      [8, 12, 4],
    ]);
  });

  it('grows branches until they reach, each other considered', () => {
    // The first is 128 bytes away from b, once the second is counted; the last is 138 from a.
    const { bytes } = assembler.assemble('a: jmp b\n jmp a\n.skip 126\nb: jmp a', { address: 0n });
    expect(hex(bytes.slice(0, 7))).toBe('e9 80 00 00 00 eb f9');
    expect(hex(bytes.slice(-5))).toBe('e9 76 ff ff ff');
  });

  it('keeps forward branches short far from the start, and takes names that are set later', () => {
    const far = assembler.assemble('.skip 300\njmp 1f\n1: mov $later,%eax\n.set later, other + 1\n.set other, 4', {
      address: 0x1000n,
    }).bytes;
    expect(hex(far.slice(300))).toBe('eb 00 b8 05 00 00 00');
  });

  const refused: [string, RegExp, string][] = [
    ['nop\n  movv %rax,%rbx', /'movv' is not an instruction/, '<asm>:2:3'],
    ['mov $1,(%rax)', /ambiguous: 8, 16, 32, 64 bits/, '<asm>:1:1'],
    ['shl %cl,(%rdi)', /ambiguous/, '<asm>:1:1'],
    ['movzx (%rdi),%eax', /ambiguous: 8, 16/, '<asm>:1:1'],
    ['addl %rax,%rbx', /suffix of addl says 32 bits, %rbx has 64/, '<asm>:1:1'],
    ['movzbl %ax,%eax', /suffix of movzbl/, '<asm>:1:1'],
    ['add $0x80000000,%rax', /cannot be encoded/, '<asm>:1:1'],
    ['movb $256,(%rax)', /cannot be encoded/, '<asm>:1:1'],
    ['mov 0xfee00000,%rbx', /cannot be encoded/, '<asm>:1:1'],
    ['mov (%rsp,%rsp),%rax', /cannot be encoded/, '<asm>:1:1'],
    ['mov %ah,%r8b', /cannot be encoded/, '<asm>:1:1'],
    ['pushl %eax', /cannot be encoded/, '<asm>:1:1'],
    ['jmpl *(%rax)', /cannot be encoded/, '<asm>:1:1'],
    ['rep add %eax,%ebx', /takes no repeat prefix/, '<asm>:1:5'],
    ['sub $0xffffffff80000000,(%rax)', /ambiguous: 8, 16, 32, 64 bits/, '<asm>:1:1'],
    ['pushfw', /cannot be encoded/, '<asm>:1:1'],
    ['lock mov %rax,(%rdi)', /cannot be encoded/, '<asm>:1:6'],
    ['  jmp nowhere', /there is no symbol 'nowhere'/, '<asm>:1:7'],
    ['jmp *0x10(%rip', /expected '\)'/, '<asm>:1:15'],
    ['call (%rax)', /needs \*/, '<asm>:1:6'],
    ['mov %rzx,%rax', /%rzx is not a register/, '<asm>:1:5'],
    ['.sektion foo', /\.sektion is not a directive/, '<asm>:1:1'],
    ['.section .data', /one section/, '<asm>:1:10'],
    ['.byte 256', /does not fit 1 bytes/, '<asm>:1:7'],
    ['.rept 2\nnop', /\.rept without \.endr/, '<asm>:1:1'],
    ['nop\n.endr', /\.endr without \.rept/, '<asm>:2:1'],
    ['a: nop\na: nop', /a is defined twice/, '<asm>:2:1'],
    ['jmp 1f', /there is no 1: after this/, '<asm>:1:5'],
    ['loop 1f; .skip 128; 1:', /128 bytes away, too far for the short form of loop/, '<asm>:1:1'],
    ['jmp.d8 1f; .skip 128; 1:', /too far for the short form/, '<asm>:1:1'],
    ['.ascii "abc', /string does not end/, '<asm>:1:8'],
    ['.align 3', /not a power of two/, '<asm>:1:1'],
    ['mov $08,%eax', /octal/, '<asm>:1:6'],
    ['mov $10h,%eax', /not a number/, '<asm>:1:6'],
    ['nop ! nop', /expected/, '<asm>:1:5'],
    ['2: .skip 1f - 2b + 1; 1:', /does not settle/, '<asm>:1:1'],
  ];
  it.each(refused)('refuses %j', (source, message, where) => {
    const error = failure(source);
    expect(error.code).toBe('E_ASM');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    expect(error.where).toBe(where);
  });

  it('suggests the nearest name', () => {
    expect(failure('swapsg').hint).toMatch(/^did you mean swapgs/);
    expect(failure('.alignn 8').hint).toMatch(/^did you mean \.align/);
    expect(failure('target: jmp tagret').hint).toBe('did you mean target?');
  });

  it('refuses what Intel syntax leaves open', () => {
    expect(failure('mov [rax], 1', 'intel').message).toMatch(/ambiguous/);
    expect(failure('mov rax, extern', 'intel').hint).toBe('write [name], [rip+name] or offset name');
    expect(bytesOf('mov rax, [rip+extern]\nmov dword ptr gs:[8], 10', 'intel')).toBe(
      '48 8b 05 f9 0f 00 00 65 c7 04 25 08 00 00 00 0a 00 00 00',
    );
  });

  it('makes an image with symbols, lines and an entry', () => {
    const image = imageFromAssembled(assembler.assemble('nop\n_start: ret', { address: 0x401000n, file: 'probe.S' }));
    expect(image).toMatchObject({ entry: 0x401001n });
    expect(image.describe(0x401001n)).toBe('_start');
    expect(image.lineAt(0x401001n)).toEqual({ file: 'probe.S', line: 2, column: 9 });
    expect(() => imageFromAssembled(assembler.assemble('nop', { address: 0n }), { entry: 'main' })).toThrow(/no symbol 'main'/);
  });
});

describe('the guard', () => {
  const [good] = assemblers;
  if (!good) throw new Error('there is an assembler');
  const instructions = ATT_LINES.filter((l) => !/^\.|;|^\d/.test(l));

  it('property: a backend that returns damaged bytes changes no meaning', () => {
    let damaged = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...instructions),
        fc.array(fc.tuple(fc.nat(14), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
        fc.nat(2),
        (line, flips, cut) => {
          const options = { address: 0x100000n, symbols: { far_away: 0x123456n } };
          const honest = good.assemble(line, options).bytes;
          const evil: Backend = {
            name: 'evil',
            description: '',
            encode: () => {
              const bytes = Uint8Array.from(honest);
              for (const [at, mask] of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ mask;
              damaged++;
              return cut === 0 ? bytes.subarray(0, bytes.length - 1) : cut === 1 ? Uint8Array.from([...bytes, 0x90]) : bytes;
            },
          };
          const { bytes } = makeAssembler(evil).assemble(line, options);
          expect(bytes).toHaveLength(honest.length);
          expect(disassemble(bytes, options.address)).toBe(disassemble(honest, options.address));
        },
      ),
      { numRuns: 1500 },
    );
    expect(damaged).toBeGreaterThan(1000);
  });

  it('refuses each of the silent mistakes of keystone by its bytes', () => {
    const wrong: [string, number[]][] = [
      ['mov $10,%eax', [0xb8, 0x10, 0, 0, 0]],
      ['mov 12(%rsp),%rax', [0x48, 0x8b, 0x44, 0x24, 0x12]],
      ['nopl (%rax)', [0x0f, 0x18, 0x20]],
      ['int $3', [0xcd, 0x03]],
      ['mov %gs:0x10,%rcx', [0x65, 0x48, 0x8b, 0x0d, 0x10, 0, 0, 0]],
      ['mov %gs:0x10,%rax', [0x65, 0x48, 0xa1, 0x10, 0, 0, 0, 0, 0, 0, 0]],
      ['ret', []],
    ];
    for (const [source, bytes] of wrong) {
      const liar = makeAssembler({ name: 'liar', description: '', encode: () => Uint8Array.from(bytes) });
      const made = liar.assemble(source, { address: 0n });
      expect(made.lines.map((l) => l.by)).toEqual(['own']);
      expect(hex(made.bytes)).not.toBe(hex(Uint8Array.from(bytes)));
    }
  });

  it('passes errors of ours through, instead of taking them for a refusal', () => {
    const assembler = makeAssembler({
      name: 'broken',
      description: '',
      encode: () => {
        throw new RangeError('a bug');
      },
    });
    expect(() => assembler.assemble('nop', { address: 0n })).toThrow(RangeError);
  });
});

describe('any text', () => {
  it('property: assembles, or is an E_ASM with a place, whatever it is', () => {
    const pieces = fc.constantFrom(
      ...ATT_LINES,
      ...ATT_LINES.flatMap((l) => l.split(/(?=[ ,(%$)])/)),
      '\n',
      ';',
      ':',
      '.rept 2',
      '.endr',
      '1:',
      '1f',
      'a:',
      'a',
      '"',
      "'",
      '/*',
      '*/',
      '#',
      '.align',
      '-',
      '<<',
      '{',
      '\u00e9',
      '99999999999999999999999',
    );
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 8 }),
        fc.constantFrom<Syntax>('att', 'intel'),
        (parts, syntax) => {
          try {
            const { bytes, lines } = own.assemble(parts.join(''), { address: 0x1000n, syntax });
            expect(lines.reduce((sum, l) => sum + l.length, 0)).toBe(bytes.length);
            accepted++;
          } catch (error) {
            expect(error).toBeInstanceOf(TextpokeError);
            expect(error).toMatchObject({ code: 'E_ASM', where: expect.stringMatching(/^<asm>:\d+:\d+$/) });
            refused++;
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });
});

describe('keystone', () => {
  it('goes on, right as before, after LLVM aborts in it', async () => {
    const keystone = await loadKeystone();
    const asked = parseInstruction(new TokenReader(tokenize('mov %ah,%r8b', { line: 1, column: 1 })), 'att');
    expect(() =>
      keystone.encode(
        {
          ...asked,
          operands: [
            { kind: 'register', register: Register.R8L },
            { kind: 'register', register: Register.AH },
          ],
        },
        0n,
      ),
    ).toThrow(BackendRefusal);
    const after = makeAssembler(keystone).assemble('mov $10,%eax', { address: 0n });
    expect(hex(after.bytes)).toBe('b8 0a 00 00 00');
    expect(after.lines.map((l) => l.by)).toEqual(['backend']);
  });
});

describe('loadAssembler', () => {
  it('prefers keystone where it is installed', async () => expect((await loadAssembler()).name).toBe('keystone'));
  it('says what there is', async () => {
    await expect(loadAssembler('keystoen')).rejects.toMatchObject({ code: 'E_ASM', hint: 'did you mean keystone?' });
    await expect(loadAssembler('masm')).rejects.toMatchObject({ code: 'E_ASM', hint: 'there are keystone and defasm' });
  });
});
