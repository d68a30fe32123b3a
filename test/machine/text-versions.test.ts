import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { Knowledge } from '../../src/explore/knowledge.ts';
import type { World } from '../../src/explore/world.ts';
import { MAX_VERSIONS } from '../../src/machine/text-versions.ts';
import { ALIAS, type CodeTest, type Final, NEW, OLD, outcomesOf, POLICIES, storeQuadword } from './code-litmus.ts';
import { alias, guestImage, guestWorld, wholeGraph } from './guest.ts';

/** `count` stores of different bytes to the third byte of S, with `between` behind each; the other core executes S. */
const writes = (count: number, between = ''): CodeTest => ({
  name: `${count} versions`,
  outcome: () => true,
  verdicts: ['F', 'F', 'F', 'F', 'F'],
  threads: [
    `${ALIAS}\n${Array.from({ length: count }, (_, n) => `movb $${n + 1}, 2(%rdi)\n${between}`).join('')}`,
    'SITE\nmovq %rbx, %r9\n',
  ],
});
const executed = (code: CodeTest, fetch: string, memory: 'sc' | 'tso' = 'sc'): number[] =>
  outcomesOf(code, { memory, fetch })
    .map((line) => ((JSON.parse(line) as Final)[1]!.r9 >>> 8) & 0xff)
    .sort((a, b) => a - b);
const bytes = (count: number): number[] => [...Array.from({ length: count }, (_, n) => n + 1), 0x11].sort((a, b) => a - b);

function coverage(code: CodeTest, memory: 'sc' | 'tso', fetch: string) {
  const image = guestImage(
    code.threads
      .map((text, n) => `P${n}:\n${text.replace('SITE', '.p2align 6, 0x90\nsite:\nmovl $0x11111111, %ebx\n')}\njmp cpu_idle\n`)
      .join(''),
    { x: 0 },
  );
  return explore((): World => {
    const world = guestWorld(image, code.threads.length, { memory, fetch });
    world.sites.push({ name: 'S', address: world.lab.symbol('site'), versions: [new Uint8Array(5)], final: 0 });
    code.threads.forEach((_, core) => world.add({ core, entry: `P${core}` }));
    return world;
  });
}

describe('the versions of patched text', () => {
  test.each(POLICIES)('each one may be what runs, under %s', (fetch) => {
    expect(executed(writes(4), fetch)).toEqual(bytes(4));
  });

  test('one that a core has passed does not come back under amd-apm, and does under intel-sdm', () => {
    const twice: CodeTest = {
      ...writes(3),
      threads: [
        writes(3).threads[0]!,
        'xorl %ebp, %ebp\n2:\nSITE\nmovq %r9, %r10\nmovq %rbx, %r9\nxorl %ebx, %ebx\nincl %ebp\ncmpl $2, %ebp\njne 2b\n',
      ],
    };
    const order = (byte: number): number => (byte === 0x11 ? 0 : byte);
    const backwards = (fetch: string): boolean =>
      outcomesOf(twice, { memory: 'sc', fetch }).some((line) => {
        const { r9, r10 } = (JSON.parse(line) as Final)[1]!;
        return order((r9 >>> 8) & 0xff) < order((r10 >>> 8) & 0xff);
      });
    expect(POLICIES.map(backwards)).toEqual([false, false, false, true, true]);
  });

  test('writing the same bytes again makes no version, and a version that nobody can fetch is dropped', () => {
    const image = guestImage(
      `P0:\n${ALIAS}\nmovb $0x11, 2(%rdi)\nmovb $0x22, 2(%rdi)\nmovb $0x22, 2(%rdi)\nmovq $1, x(%rip)\nxorl %eax, %eax\nxorl %ecx, %ecx\ncpuid\njmp cpu_idle\nP1:\nmovq x(%rip), %r8\nxorl %eax, %eax\nxorl %ecx, %ecx\ncpuid\n.p2align 6, 0x90\nsite:\nmovl $0x11111111, %ebx\njmp cpu_idle\n`,
      { x: 0 },
    );
    const counts = new Set<number>();
    wholeGraph(
      () => {
        const world = guestWorld(image, 2, { memory: 'sc', fetch: 'intel-sdm' });
        const site = world.lab.symbol('site');
        world.sites.push({ name: 'S', address: site, versions: [new Uint8Array(5)], final: 0 });
        world.checkers.push({
          name: 'versions',
          atEnd: (w) => void counts.add(w.machine.text!.count(w.machine.text!.indexOf(w.lab.physical(site)))),
        });
        for (const core of [0, 1]) world.add({ core, entry: `P${core}` });
        return world;
      },
      {},
      () => counts.clear(),
    );
    // One where P1 serialized behind the store, two where it did not: never the same bytes twice.
    expect([...counts].sort()).toEqual([1, 2]);
  });

  test('more than are kept are a bound that the coverage names', () => {
    expect(coverage(writes(MAX_VERSIONS - 1), 'sc', 'amd-apm')).toMatchObject({ verdict: 'ok', coverage: { kind: 'exhaustive' } });
    expect(coverage(writes(MAX_VERSIONS), 'sc', 'amd-apm')).toMatchObject({
      verdict: 'ok',
      coverage: { kind: 'bounded', bounds: [`text versions <= ${MAX_VERSIONS}`] },
    });
    expect(coverage(writes(MAX_VERSIONS), 'sc', 'coherent')).toMatchObject({ coverage: { kind: 'exhaustive' } });
  });

  test('so is a full store buffer', () => {
    const stores = (count: number): CodeTest => ({
      ...writes(0),
      threads: [Array.from({ length: count }, (_, n) => `movq $${n}, x(%rip)\n`).join(''), 'movq x(%rip), %r8\nSITE\n'],
    });
    expect(coverage(stores(4), 'tso', 'coherent').coverage).toEqual({ kind: 'exhaustive' });
    const full = coverage(stores(40), 'tso', 'coherent').coverage;
    expect(full.kind).toBe('bounded');
    expect(full.kind === 'bounded' && full.bounds.join()).toMatch(/^store buffer <= \d+$/);
    expect(coverage(stores(40), 'sc', 'coherent').coverage).toEqual({ kind: 'exhaustive' });
  });
});

describe('an IPI and the stores before it', () => {
  /** To all others, vector 0xf8 (SDM Vol. 3, "x2APIC ICR"). */
  const SEND = 'movl $0x830, %ecx\nmovl $0xc40f8, %eax\nxorl %edx, %edx\nwrmsr\n';
  /** Serializes; notes in r8 that it came before S ran. */
  const HANDLER =
    'handler:\npushq %rax\npushq %rcx\npushq %rdx\npushq %rbx\nxorl %eax, %eax\nxorl %ecx, %ecx\ncpuid\ntestq %r9, %r9\njnz 1f\nmovl $1, %r8d\n1:\nmovl $0x80b, %ecx\nxorl %eax, %eax\nxorl %edx, %edx\nwrmsr\npopq %rbx\npopq %rdx\npopq %rcx\npopq %rax\niretq\n';

  function oldAfterHandler(fence: string, memory: 'sc' | 'tso', fetch: string): boolean {
    const source = `P0:\n${alias('site', '%rdi', '%rsi')}\n${storeQuadword('%rdi')}${fence}${SEND}jmp cpu_idle\nP1:\n.p2align 6, 0x90\nsite:\nmovl $0x${OLD.toString(16)}, %ebx\nmovq %rbx, %r9\njmp cpu_idle\n${HANDLER}`;
    const image = guestImage(source, { x: 0 });
    const found = new Set<string>();
    const { outcome } = wholeGraph(
      () => {
        const world = guestWorld(image, 2, { memory, fetch });
        world.sites.push({ name: 'S', address: world.lab.symbol('site'), versions: [new Uint8Array(5)], final: 0 });
        world.lab.setGate(0xf8, 'handler', { type: 'interrupt' });
        world.checkers.push({
          name: 'ends',
          atEnd: (w) =>
            void found.add(
              `${w.machine.cores[1]!.gpr(8)} ${Number(w.machine.cores[1]!.gpr(9)) === OLD ? 'old' : Number(w.machine.cores[1]!.gpr(9)) === NEW ? 'new' : 'mixed'}`,
            ),
        });
        for (const core of [0, 1]) world.add({ core, entry: `P${core}` });
        return world;
      },
      {},
      () => found.clear(),
    );
    expect(outcome.violations).toEqual([]);
    // Whatever else: the handler may come first and the new instruction run, and it may come too late.
    expect([...found]).toEqual(expect.arrayContaining(['1 new', '0 old']));
    return found.has('1 old');
  }

  test('XMC.IPI.x2apic-nofence: the IPI may overtake them', () => {
    // The family's table forbids this under coherent and zen3. That is so for sc; with store buffers the WRMSR of the ICR waits for none of them.
    expect(POLICIES.map((fetch) => oldAfterHandler('', 'tso', fetch))).toEqual([true, true, true, true, true]);
    expect(POLICIES.map((fetch) => oldAfterHandler('', 'sc', fetch))).toEqual([false, false, false, false, false]);
  });

  test('XMC.IPI.fenced: it may not', () => {
    expect(POLICIES.map((fetch) => oldAfterHandler('mfence\nlfence\n', 'tso', fetch))).toEqual([false, false, false, false, false]);
  });
});

test('an instruction over two pages that nobody declared is learned as text, both ends of it', () => {
  const source = `P0:\n${alias('site', '%rdi', '%rsi')}\nmovw $0x2222, 1(%rdi)\nmovw $0x2222, 3(%rdi)\njmp cpu_idle\nP1:\njmp site\n.org 4093, 0xcc\nsite:\nmovl $0x${OLD.toString(16)}, %ebx\njmp cpu_idle\n`;
  const image = guestImage(source);
  const { world, knowledge } = wholeGraph(() => {
    const made = guestWorld(image, 2, { memory: 'tso', fetch: 'intel-sdm' });
    for (const core of [0, 1]) made.add({ core, entry: `P${core}` });
    return made;
  });
  const site = world.lab.physical(world.lab.symbol('site'));
  expect(knowledge.beyond(new Knowledge()).text).toEqual([site & ~7, (site + 5) & ~7]);
});
