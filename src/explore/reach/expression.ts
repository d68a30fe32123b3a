import type { World, WorldEvent } from '../world.ts';

/** Something with a value while a run goes on. */
export type Value =
  | { readonly kind: 'number'; readonly value: bigint }
  /** Memory of the image as it is, by its linear address. */
  | { readonly kind: 'memory'; readonly address: bigint; readonly size: number }
  /** A register of a core: a general one by its number, or where the core is. */
  | { readonly kind: 'register'; readonly core: number; readonly register: number | 'rip'; readonly bits: number };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Something that a run may reach: true of a state between two transitions, or at an event in one. */
export type Expression =
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'compare'; readonly by: Comparison; readonly left: Value; readonly right: Value }
  /** A core is about to execute the instruction at an address. */
  | { readonly kind: 'at'; readonly core: number; readonly address: bigint }
  /** It happens right now. */
  | { readonly kind: 'event'; readonly core: number | undefined; readonly isIt: (event: WorldEvent) => boolean };

/** Whether it is true now; `event` is what happens at this moment, undefined between two transitions. */
export function isTrue(expression: Expression, world: World, event: WorldEvent | undefined): boolean {
  switch (expression.kind) {
    case 'and':
      return isTrue(expression.left, world, event) && isTrue(expression.right, world, event);
    case 'or':
      return isTrue(expression.left, world, event) || isTrue(expression.right, world, event);
    case 'not':
      return !isTrue(expression.of, world, event);
    case 'compare':
      return compare(expression.by, expression.left, expression.right, world);
    case 'at': {
      const { core, address } = expression;
      if (event?.kind === 'hook' && event.core === core) return event.address === address;
      return ripOf(world, core) === address;
    }
    case 'event':
      return event !== undefined && expression.isIt(event);
  }
}

function ripOf(world: World, core: number): bigint {
  world.machine.engine.looks?.core(core);
  return world.machine.cores[core]!.rip;
}

/** Values are unsigned, unless one of the two is a negative number: then the other is signed. */
function compare(by: Comparison, left: Value, right: Value, world: World): boolean {
  const signed = [left, right].some((v) => v.kind === 'number' && v.value < 0n);
  const [a, b] = [left, right].map((v) => readValue(v, world, signed)) as [bigint, bigint];
  switch (by) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function readValue(value: Value, world: World, signed: boolean): bigint {
  if (value.kind === 'number') return value.value;
  if (value.kind === 'memory') {
    const bytes = world.lab.peek(value.address, value.size);
    const bits = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return signed ? BigInt.asIntN(8 * value.size, bits) : bits;
  }
  const { core, register, bits } = value;
  if (register === 'rip') return ripOf(world, core);
  world.machine.engine.looks?.core(core);
  const whole = world.machine.cores[core]!.gpr(register);
  return signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
}

/** Every part of an expression, itself included. */
export function* partsOf(expression: Expression): Generator<Expression> {
  yield expression;
  if (expression.kind === 'not') yield* partsOf(expression.of);
  if (expression.kind === 'and' || expression.kind === 'or') {
    yield* partsOf(expression.left);
    yield* partsOf(expression.right);
  }
}

/** Cores that an expression names. */
export function coresOf(expression: Expression): number[] {
  const cores = [...partsOf(expression)].flatMap((part): (number | undefined)[] => {
    if (part.kind === 'at' || part.kind === 'event') return [part.core];
    return part.kind === 'compare' ? [part.left, part.right].map((v) => (v.kind === 'register' ? v.core : undefined)) : [];
  });
  return [...new Set(cores.filter((c) => c !== undefined))];
}

/** Physical quadwords of the image's data that an expression looks at. */
export function quadwordsOf(expression: Expression, world: World): number[] {
  const values = [...partsOf(expression)].flatMap((part) => (part.kind === 'compare' ? [part.left, part.right] : []));
  const out = new Set<number>();
  for (const value of values) {
    if (value.kind !== 'memory' || world.lab.image.segmentAt(value.address)?.executable !== false) continue;
    const from = world.lab.physical(value.address);
    for (let quadword = from & ~7; quadword < from + value.size; quadword += 8) out.add(quadword);
  }
  return [...out];
}
