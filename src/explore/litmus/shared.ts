import { KERNEL_BASE } from '../../kernel/layout.ts';
import { Knowledge } from '../knowledge.ts';
import type { LitmusProgram } from './program.ts';
import type { LitmusTest } from './syntax.ts';

/**
 * What the text of a test says of who shares what, so that the first search is the last one: variables that two threads name, or have the address of.
 * A guess: one that turns out to be shared besides is learned, and one that is not costs states only.
 */
export function sharedVariables(test: LitmusTest, program: LitmusProgram): Knowledge {
  const users = new Map<string, Set<number>>();
  const use = (name: string, thread: number): void => void users.set(name, (users.get(name) ?? new Set()).add(thread));
  const handlers = (thread: number): readonly string[] => test.handlers.filter((h) => h.thread === thread).flatMap((h) => h.cells);
  test.threads.forEach((own, n) => {
    const cells = [...own, ...handlers(n)];
    for (const [name] of cells.join('\n').matchAll(/[A-Za-z_]\w*/g)) use(name, n);
  });
  for (const { thread, value } of test.registers) if (typeof value === 'object' && 'address' in value) use(value.address, thread);
  // Whoever loads a pointer may follow it.
  for (const value of test.variables.flatMap((v) => v.values))
    if (typeof value === 'object' && 'address' in value) test.threads.forEach((_, n) => void use(value.address, n));
  const visible: number[] = [];
  for (const { name, bytes, values } of program.variables) {
    if ((users.get(name)?.size ?? 0) < 2) continue;
    const from = Number(program.image.symbol(name).address - KERNEL_BASE);
    for (let quadword = from; quadword < from + bytes * values.length; quadword += 8) visible.push(quadword);
  }
  const knowledge = new Knowledge();
  knowledge.add({ visible, text: [] });
  return knowledge;
}
