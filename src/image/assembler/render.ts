import { Register } from 'iced-x86';
import type { Asked, AskedMemory, AskedOperand } from './asked.ts';
import { registerName } from './registers.ts';

/**
 * Writes an instruction with its numbers as one line of text for a backend. Numbers are hexadecimal, always: no backend can then read them
 * in another base.
 */

const hex = (value: bigint): string => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

const POINTERS: Readonly<Record<number, string>> = {
  8: 'byte',
  16: 'word',
  32: 'dword',
  48: 'fword',
  64: 'qword',
  80: 'tbyte',
  128: 'xmmword',
  256: 'ymmword',
};

function prefixes(asked: Asked): string {
  return `${asked.lock ? 'lock ' : ''}${asked.repeat === 'none' ? '' : `${asked.repeat} `}${asked.notrack ? 'notrack ' : ''}`;
}

/** Intel syntax, with the mnemonics of the manual. */
export function renderIntel(asked: Asked): string {
  const mnemonic = asked.wide ? 'movabs' : asked.mnemonic;
  const operands = asked.operands.map((o) => intelOperand(o)).join(', ');
  return `${prefixes(asked)}${mnemonic}${operands === '' ? '' : ` ${operands}`}`;
}

function intelOperand(o: AskedOperand): string {
  switch (o.kind) {
    case 'register':
      return registerName(o.register);
    case 'immediate':
      return hex(o.value);
    case 'target':
      return hex(o.address);
    case 'memory': {
      const sum = [
        ...(o.base === undefined ? [] : [registerName(o.base)]),
        ...(o.index === undefined ? [] : [`${registerName(o.index)}*${o.scale}`]),
        ...(o.displacement === 0n && (o.base !== undefined || o.index !== undefined) ? [] : [hex(o.displacement)]),
      ]
        .join('+')
        .replace('+-', '-');
      const pointer = o.size === undefined ? '' : `${POINTERS[o.size] ?? 'unsized'} ptr `;
      return `${pointer}${o.segment === undefined ? '' : `${registerName(o.segment)}:`}[${sum}]`;
    }
  }
}

/** AT&T syntax. `asked` must come from AT&T source, since its written mnemonic, suffix included, is used. */
export function renderAtt(asked: Asked): string {
  const ordered = asked.operands.every((o) => o.kind === 'immediate') ? asked.operands : [...asked.operands].reverse();
  const star = asked.mnemonic === 'jmp' || asked.mnemonic === 'call' ? '*' : '';
  const operands = ordered.map((o) => attOperand(o, star)).join(', ');
  return `${prefixes(asked)}${asked.written}${operands === '' ? '' : ` ${operands}`}`;
}

function attOperand(o: AskedOperand, star: string): string {
  switch (o.kind) {
    case 'register':
      return `${star}%${registerName(o.register)}`;
    case 'immediate':
      return `$${hex(o.value)}`;
    case 'target':
      return hex(o.address);
    case 'memory':
      return star + attMemory(o);
  }
}

function attMemory(m: AskedMemory): string {
  const segment = m.segment === undefined ? '' : `%${registerName(m.segment)}:`;
  const displacement = m.displacement === 0n && m.base !== undefined && m.base !== Register.RIP ? '' : hex(m.displacement);
  if (m.base === undefined && m.index === undefined) return segment + displacement;
  const base = m.base === undefined ? '' : `%${registerName(m.base)}`;
  const index = m.index === undefined ? '' : `,%${registerName(m.index)},${m.scale}`;
  return `${segment}${displacement}(${base}${index})`;
}
