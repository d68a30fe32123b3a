import { expect, it } from 'vitest';
import { Graph, Locals } from '../../src/engine/graph.ts';
import { get, I64, i32, i64 } from '../../src/engine/wasm/code.ts';
import { ModuleBuilder } from '../../src/engine/wasm/module.ts';
import { WasmArithmetic } from '../../src/engine/wasm-arithmetic.ts';

/** Divides high:low in generated code. */
function compiled(): (high: bigint, low: bigint, divisor: bigint) => bigint[] {
  const m = new ModuleBuilder();
  m.importMemory('memory', 1, 1);
  const fn = m.declare({ params: [I64, I64, I64], results: [] }, 'divide');
  const locals = new Locals(3);
  const g = new Graph(locals);
  const [high, low, divisor] = [0, 1, 2].map((n) => g.node([], () => get(n)));
  const { quotient, remainder } = new WasmArithmetic(g).divideUnsigned(high!, low!, divisor!);
  g.effect([quotient, remainder], (_depth, q, r) => [i64.store(i32.const(0), q!), i64.store(i32.const(0), r!, 8)]);
  const body = g.emit();
  m.define(fn, locals.types, body);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const divide = new WebAssembly.Instance(new WebAssembly.Module(m.bytes()), { env: { memory } }).exports.divide as (
    ...parameters: bigint[]
  ) => void;
  return (...parameters) => {
    divide(...parameters);
    return [...new BigUint64Array(memory.buffer, 0, 2)];
  };
}

it('128 bits by 64 in generated code', () => {
  const divide = compiled();
  let x = 0x9e3779b97f4a7c15n;
  const word = (): bigint => {
    x ^= BigInt.asUintN(64, x << 13n);
    x ^= x >> 7n;
    x ^= BigInt.asUintN(64, x << 17n);
    return x;
  };
  // Halves of all zeros and ones make the estimates of digits too large, and few bits make the divisor short.
  const half = (): bigint =>
    [0n, 1n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn, word() >> 32n, word() >> 32n][Number(word() & 7n)]!;
  const any = (): bigint => ((half() << 32n) | half()) >> [0n, word() & 63n][Number(word() & 1n)]!;
  for (let n = 0; n < 40_000; n++) {
    const divisor = any() || 1n;
    const high = [any(), divisor - 1n, divisor - (word() & 3n)][n % 3]!;
    const low = any();
    if (high < 0n || high >= divisor) continue;
    const dividend = (high << 64n) | low;
    const got = divide(high, low, divisor);
    if (got[0] !== dividend / divisor || got[1] !== dividend % divisor)
      expect(`${dividend} / ${divisor}: ${got}`).toBe(`${dividend / divisor},${dividend % divisor}`);
  }
  expect(divide(1n, 0n, 3n)).toEqual([0x5555555555555555n, 1n]);
});
