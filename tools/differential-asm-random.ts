/**
 * Random AT&T lines for the comparison with GNU as: general-purpose instructions with operands that often, but not always, fit. The same
 * seed gives the same lines.
 */
export function randomLines(seed: number, count: number): string[] {
  const lines = new LineMaker(seed);
  return Array.from({ length: count }, () => lines.next());
}

const REGISTERS = {
  b: ['%al', '%cl', '%ah', '%sil', '%r8b', '%r15b', '%bh', '%spl'],
  w: ['%ax', '%cx', '%sp', '%r9w', '%di'],
  l: ['%eax', '%ecx', '%esp', '%r10d', '%edi'],
  q: ['%rax', '%rcx', '%rsp', '%rbp', '%r12', '%r13', '%rdi'],
} as const;
const SUFFIXES = ['b', 'w', 'l', 'q'] as const;
const IMMEDIATES =
  '0 1 -1 127 128 -128 -129 255 256 10 0x7fff 0xffff 0x7fffffff 0x80000000 0xffffffff -0x80000000 0xffffffff80000000 0x123456789a'.split(
    ' ',
  );
const TWO =
  'add or adc sbb and sub xor cmp mov test xchg lea cmpxchg xadd bt bts btr btc imul bsf bsr popcnt tzcnt lzcnt movnti movbe cmove cmovg'.split(
    ' ',
  );
const ONE = (
  'inc dec neg not mul div idiv imul push pop bswap shl sar rol rcr sete setb call jmp ljmp lcall nop sldt str smsw verr verw lldt ltr invlpg ' +
  'rdrand rdfsbase ret lret int lgdt fxsave xsave cmpxchg8b cmpxchg16b clflush prefetchw'
).split(' ');
const ODD = 'shl sar ror in out lar lsl movzb movsb crc32'.split(' ');
const WIDENING = 'movzb movzw movsb movsw movsl'.split(' ');

class LineMaker {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): string {
    const prefix = this.#pick(['', '', '', '', '', '', '', 'lock ', 'rep ', '']);
    const suffix = this.#pick(['', '', '', ...SUFFIXES]);
    switch (this.#below(10)) {
      case 5:
        return `${prefix}${this.#pick(TWO)}${suffix} ${this.#operand()},${this.#operand()}`;
      case 6: {
        const mnemonic = this.#pick(ONE);
        const operand = this.#operand();
        return `${prefix}${mnemonic}${suffix} ${/call|jmp/.test(mnemonic) && !operand.startsWith('$') ? '*' : ''}${operand}`;
      }
      case 7:
        return `${this.#pick(WIDENING)}${this.#pick(['w', 'l', 'q'])} ${this.#place()},${this.#register()}`;
      case 8:
        return `${this.#pick(['imul', 'shld', 'shrd', 'rorx'])}${suffix} ${this.#pick([this.#immediate(), '%cl'])},${this.#place()},${this.#place()}`;
      case 9:
        return `${this.#pick(ODD)}${suffix} ${this.#pick([this.#immediate(), '%cl', '%dx', this.#register()])},${this.#pick([this.#place(), '%dx', '%al'])}`;
      default: {
        const size = this.#pick(SUFFIXES);
        const register = (): string => this.#pick(REGISTERS[size]);
        const to = this.#pick([register(), this.#memory()]);
        return `${prefix}${this.#pick(TWO)}${this.#pick(['', size])} ${this.#pick([register(), this.#memory(), this.#immediate()])},${to}`;
      }
    }
  }

  /** Linear congruential; the upper bits are the good ones. */
  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) >>> 0;
    return (this.#state >>> 8) % limit;
  }

  #pick<T>(list: readonly T[]): T {
    const chosen = list[this.#below(list.length)];
    if (chosen === undefined) throw new RangeError('nothing to pick from');
    return chosen;
  }

  #immediate(): string {
    return `$${this.#pick(IMMEDIATES)}`;
  }

  #register(): string {
    return this.#pick(REGISTERS[this.#pick(SUFFIXES)]);
  }

  #place(): string {
    return this.#pick([this.#register(), this.#memory()]);
  }

  #operand(): string {
    return this.#pick([this.#register(), this.#register(), this.#memory(), this.#immediate()]);
  }

  #memory(): string {
    const q = (): string => this.#pick(REGISTERS.q);
    const l = (): string => this.#pick(REGISTERS.l);
    const scale = this.#pick([1, 2, 4, 8]);
    const displacement = this.#pick(['', '0', '8', '-8', '127', '128', '0x1000', '-0x12345678']);
    const address = this.#pick([
      `(${q()})`,
      `${displacement}(${q()})`,
      `${displacement}(${q()},${q()},${scale})`,
      `0x40(,${q()},8)`,
      'far_away(%rip)',
      'far_away+4(%rip)',
      '8(%rip)',
      this.#pick(['0x10', '0x12345', '0xffffffff80000000', '0x1234567890']),
      `(${l()})`,
      `4(${l()},${l()},2)`,
    ]);
    return this.#pick(['', '', '', '', '%gs:', '%fs:', '%ds:', '%cs:']) + address;
  }
}
