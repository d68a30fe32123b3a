import type { LitmusTest, Location } from '../../src/explore/litmus/syntax.ts';

/**
 * x86-TSO once more, from its definition and with nothing of the product but the text of a test (P. Sewell et al., "x86-TSO: A Rigorous and Usable
 * Programmer's Model", CACM 2010): threads of 64-bit instructions, a store buffer each, one memory. All states are made and kept, loops included.
 */
export interface ModelAnswer {
  /** Values of the locations, one line a final state, sorted. */
  readonly states: readonly string[];
  /** Some run goes on for ever in which no thread and no store buffer is kept waiting for ever. */
  readonly endless: boolean;
}

interface Thread {
  pc: number;
  readonly registers: Record<string, bigint>;
  zero: boolean;
  /** Goes round without touching memory. */
  lost: boolean;
  readonly buffer: [string, bigint][];
}

interface State {
  readonly threads: Thread[];
  readonly memory: Record<string, bigint>;
}

interface Memory {
  load(name: string): bigint;
  store(name: string, value: bigint): void;
}

/** One indivisible piece of an instruction. `local` ones touch no memory; `locked` ones wait for the store buffer and pass it by. */
interface Piece {
  readonly kind: 'local' | 'access' | 'locked';
  run(thread: Thread, memory: Memory): void;
}

const MOST_STATES = 50_000;
const MASK = (1n << 64n) - 1n;

/** The pieces of a thread, labels resolved to their numbers. */
function compile(cells: readonly string[]): Piece[] {
  const labels = new Map<string, number>();
  const pieces: Piece[] = [];
  const bodies: [number, string, string[], boolean][] = [];
  for (const cell of cells) {
    const [, label, lock, name = '', rest = ''] = /^(?:(\w+):\s*)?(lock\s+)?(\w+)?\s*(.*)$/.exec(cell) ?? [];
    if (label !== undefined) labels.set(label, pieces.length);
    if (name === '') continue;
    const operands = rest === '' ? [] : rest.split(',').map((o) => o.trim());
    const count = pieces.length;
    pieces.push(...piecesOf(name, operands, lock !== undefined));
    if (name.startsWith('j')) bodies.push([count, name, operands, false]);
  }
  for (const [at, name, [target = '']] of bodies) {
    pieces[at] = {
      kind: 'local',
      run: (t) => {
        if (name === 'jmp' || (name === 'je') === t.zero) t.pc = labels.get(target)!;
      },
    };
  }
  return pieces;
}

const variable = (operand: string): string | undefined => /^\((\w+)\)$/.exec(operand)?.[1];

function piecesOf(name: string, [source = '', target = '']: string[], lock: boolean): Piece[] {
  const read = (t: Thread, m: Memory, operand: string): bigint =>
    operand.startsWith('$')
      ? BigInt.asUintN(64, BigInt(operand.slice(1)))
      : operand.startsWith('%')
        ? (t.registers[operand.slice(1)] ?? 0n)
        : m.load(variable(operand)!);
  const write = (t: Thread, m: Memory, operand: string, value: bigint): void => {
    if (operand.startsWith('%')) t.registers[operand.slice(1)] = value & MASK;
    else m.store(variable(operand)!, value & MASK);
  };
  const inMemory = variable(source) ?? variable(target);
  const kind = inMemory === undefined ? 'local' : 'access';
  const flags = (t: Thread, value: bigint): void => {
    t.zero = (value & MASK) === 0n;
  };
  switch (name) {
    case 'movq':
      return [{ kind, run: (t, m) => write(t, m, target, read(t, m, source)) }];
    case 'cmpq':
      return [{ kind, run: (t, m) => flags(t, read(t, m, target) - read(t, m, source)) }];
    case 'testq':
      return [{ kind, run: (t, m) => flags(t, read(t, m, target) & read(t, m, source)) }];
    case 'mfence':
      return [{ kind: 'locked', run: () => {} }];
    case 'addq':
    case 'xaddq':
    case 'xchgq': {
      const old = (t: Thread, m: Memory): bigint => read(t, m, target);
      const put = (t: Thread, m: Memory, value: bigint): void => {
        const by = read(t, m, source);
        if (name !== 'addq') write(t, m, source, value);
        write(t, m, target, name === 'xchgq' ? by : value + by);
        if (name !== 'xchgq') flags(t, value + by);
      };
      if (kind === 'local' || lock || name === 'xchgq')
        return [{ kind: kind === 'local' ? 'local' : 'locked', run: (t, m) => put(t, m, old(t, m)) }];
      return [
        {
          kind,
          run: (t, m) => {
            t.registers.old = old(t, m);
          },
        },
        {
          kind,
          run: (t, m) => {
            put(t, m, t.registers.old!);
            delete t.registers.old;
          },
        },
      ];
    }
    case 'je':
    case 'jne':
    case 'jmp':
      return [{ kind: 'local', run: () => {} }];
    default:
      throw new Error(`the model has no ${name}`);
  }
}

const sorted = (values: Readonly<Record<string, bigint>>): string => Object.entries(values).sort().join();
const keyOf = ({ threads, memory }: State): string =>
  [...threads.map((t) => [t.pc, t.zero, t.lost, sorted(t.registers), t.buffer].join()), sorted(memory)].join(';');
const copyOf = ({ threads, memory }: State): State => ({
  threads: threads.map((t) => ({ ...t, registers: { ...t.registers }, buffer: [...t.buffer] })),
  memory: { ...memory },
});

/** Explores everything. Agents are numbered: thread n is 2n, its store buffer 2n + 1. */
export function modelAnswer(test: LitmusTest, locations: readonly Location[], tso: boolean): ModelAnswer {
  const programs = test.threads.map(compile);
  const settle = (state: State): State => {
    state.threads.forEach((t, n) => {
      const seen = new Set<string>();
      while (!t.lost && programs[n]![t.pc]?.kind === 'local') {
        const key = `${t.pc} ${t.zero} ${sorted(t.registers)}`;
        if (seen.has(key)) t.lost = true;
        seen.add(key);
        programs[n]![t.pc++]!.run(t, undefined as never);
      }
    });
    return state;
  };
  const start = settle({
    threads: programs.map((_, n) => ({
      pc: 0,
      registers: Object.fromEntries(test.registers.filter((r) => r.thread === n).map((r) => [r.register, r.value as bigint])),
      zero: false,
      lost: false,
      buffer: [],
    })),
    memory: Object.fromEntries(test.variables.map((v) => [v.name, BigInt.asUintN(64, v.values[0] as bigint)])),
  });
  const numbers = new Map<string, number>();
  const states: State[] = [];
  const edges: [agent: number, to: number][][] = [];
  const numberOf = (state: State): number => {
    const key = keyOf(state);
    let n = numbers.get(key);
    if (n === undefined) {
      n = states.length;
      numbers.set(key, n);
      states.push(state);
    }
    return n;
  };
  const finals = new Set<string>();
  numberOf(start);
  for (let s = 0; s < states.length; s++) {
    if (s > MOST_STATES) throw new Error('too many states for the model: is a store buffer filled without end?');
    const out: [number, number][] = [];
    states[s]!.threads.forEach((thread, n) => {
      const piece = programs[n]![thread.pc];
      if (thread.lost) out.push([2 * n, s]);
      else if (piece !== undefined && (piece.kind !== 'locked' || thread.buffer.length === 0)) {
        const next = copyOf(states[s]!);
        const t = next.threads[n]!;
        t.pc++;
        piece.run(t, {
          load: (name) => t.buffer.findLast(([at]) => at === name)?.[1] ?? next.memory[name] ?? 0n,
          store: (name, value) => {
            if (tso && piece.kind !== 'locked') t.buffer.push([name, value]);
            else next.memory[name] = value;
          },
        });
        out.push([2 * n, numberOf(settle(next))]);
      }
      if (thread.buffer.length > 0) {
        const next = copyOf(states[s]!);
        const [name, value] = next.threads[n]!.buffer.shift()!;
        next.memory[name] = value;
        out.push([2 * n + 1, numberOf(next)]);
      }
    });
    edges.push(out);
    if (out.length === 0) finals.add(locations.map((l) => valueAt(states[s]!, l)).join());
  }
  return { states: [...finals].sort(), endless: hasFairCycle(edges) };
}

function valueAt(state: State, location: Location): bigint {
  if (location.kind === 'variable') return state.memory[location.name] ?? 0n;
  if (location.kind === 'register') return state.threads[location.thread]!.registers[location.register] ?? 0n;
  throw new Error('the model takes no faults');
}

/** Whether states that reach each other have, for every agent, a state where it cannot act or an act of it among them. */
function hasFairCycle(edges: readonly (readonly [number, number])[][]): boolean {
  const backwards: number[][] = edges.map(() => []);
  edges.forEach((out, s) => {
    for (const [, to] of out) backwards[to]!.push(s);
  });
  // S. R. Kosaraju: states in the order in which they are left; then, last first, all that reach one of them.
  const order: number[] = [];
  const left = new Set<number>();
  for (const stack: [number, number][] = [[0, 0]]; stack.length > 0; ) {
    const top = stack.at(-1)!;
    left.add(top[0]);
    const next = edges[top[0]]![top[1]++];
    if (next === undefined) {
      order.push(top[0]);
      stack.pop();
    } else if (!left.has(next[1])) stack.push([next[1], 0]);
  }
  const placed = new Set<number>();
  for (const root of order.reverse()) {
    if (placed.has(root)) continue;
    const group = new Set([root]);
    placed.add(root);
    for (const s of group) {
      for (const from of backwards[s]!) {
        if (placed.has(from)) continue;
        placed.add(from);
        group.add(from);
      }
    }
    if (isFair(group, edges)) return true;
  }
  return false;
}

function isFair(group: ReadonlySet<number>, edges: readonly (readonly [number, number])[][]): boolean {
  const acting = new Set<number>();
  for (const s of group) for (const [agent, to] of edges[s]!) if (group.has(to)) acting.add(agent);
  const starved = (agent: number): boolean => !acting.has(agent) && [...group].every((s) => edges[s]!.some(([a]) => a === agent));
  const agents = new Set([...group].flatMap((s) => edges[s]!.map(([agent]) => agent)));
  return acting.size > 0 && ![...agents].some(starved);
}
