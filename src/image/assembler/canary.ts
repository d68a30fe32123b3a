import { TextpokeError } from '../../error.ts';

/** Intel lines with decimal numbers on purpose, and their bytes: a backend that reads them in another base must not be used (keystone-engine/keystone#436). */
const CANARIES: readonly (readonly [string, readonly number[]])[] = [
  ['mov eax, 10', [0xb8, 0x0a, 0, 0, 0]],
  ['lea rax, [rsp+12]', [0x48, 0x8d, 0x44, 0x24, 0x0c]],
];

/** Throws `E_ASM` when `assemble`, which takes one line of Intel syntax, gets a canary wrong. `name` is the package. */
export function checkCanaries(name: string, assemble: (text: string) => Uint8Array): void {
  for (const [text, wanted] of CANARIES) {
    const bytes = assemble(text);
    if (bytes.length === wanted.length && wanted.every((b, i) => bytes[i] === b)) continue;
    throw new TextpokeError('E_ASM', `it makes ${hex(bytes)} of '${text}', not ${hex(wanted)}`, {
      where: name,
      hint: 'this copy reads numbers wrongly: use the other assembler',
    });
  }
}

const hex = (bytes: Iterable<number>): string => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(' ') || 'nothing';
