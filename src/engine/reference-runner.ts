import { DF, OFFSET } from '../isa/core-state.ts';
import type { Engine, EngineHost } from './engine.ts';
import { CORE, coreBase, DECODE_BASE, DECODE_RECORDS, ITLB, LATCH_ENTRIES, Stop } from './layout.ts';
import { GuestEvent, Reference } from './reference.ts';

/** Thrown by the port when a stop is noted in the engine's globals. */
class Stopped extends Error {}

const KIND = { data: 0, stack: 1, operand: 2, destination: 0 } as const;
const EVENT_KIND = { fault: 0n, trap: 1n, software: 2n } as const;

/**
 * The reference in the place of the generated `run`: the same contract, the same memory functions, record by record on BigInts. What
 * it judges is the meaning of instructions; memory has one implementation for all engines.
 */
export class ReferenceRunner {
  readonly #engine: Engine;
  readonly #host: EngineHost;
  readonly #cores = new Map<number, Reference>();
  #status = 0;

  constructor(engine: Engine, host: EngineHost) {
    this.#engine = engine;
    this.#host = host;
  }

  run(core: number, instructions: number, forced: number): number {
    const engine = this.#engine;
    const base = coreBase(core);
    const { stop } = engine.globals;
    let budget = instructions;
    let record = forced;
    for (;;) {
      this.#clearLatch(base);
      if (budget === 0) stop.value = Stop.budget + 1;
      else if (record === 0) record = this.#find(base);
      if (stop.value === 0) {
        budget--;
        this.#one(core, base, record);
        record = 0;
      }
      if (stop.value !== 0) break;
    }
    const reason = stop.value - 1;
    stop.value = 0;
    if (reason === Stop.system) this.#clearLatch(base);
    engine.globals.access.value = 0;
    engine.globals.locked.value = 0;
    engine.words[(base + CORE.stopSize + 4) >> 2] = budget;
    return reason;
  }

  #find(base: number): number {
    const { engine, physical } = { engine: this.#engine, physical: this.#translate(base) };
    if (physical !== undefined) {
      const at = DECODE_BASE + (physical & (DECODE_RECORDS - 1)) * 32;
      if (engine.view.getUint32(at, true) === physical) return at;
    }
    engine.globals.stop.value = Stop.fetch + 1;
    return 0;
  }

  #translate(base: number): number | undefined {
    const rip = this.#engine.longs[(base + OFFSET.rip) >> 3] as bigint;
    const entry = base + CORE.itlb + Number((rip >> 12n) & BigInt(ITLB.entries - 1)) * ITLB.bytes;
    if (this.#engine.longs[entry >> 3] !== (rip & ~0xfffn)) return undefined;
    return (this.#engine.words[(entry + ITLB.physical) >> 2] as number) | Number(rip & 0xfffn);
  }

  #one(core: number, base: number, record: number): void {
    const engine = this.#engine;
    const flags = (): bigint => engine.longs[(base + OFFSET.flagSystem) >> 3] as bigint;
    const before = flags();
    const instruction = engine.instructionAt(record);
    this.#status = 0;
    try {
      this.#reference(core, record).run(instruction, engine.fieldsAt(record));
    } catch (error) {
      if (error instanceof GuestEvent) this.#note(base, error);
      else if (!(error instanceof Stopped)) throw error;
      return;
    }
    const changed = (before ^ flags()) & ~BigInt(DF);
    const system = this.#status !== 0;
    if (this.#status === 2 || (!system && changed !== 0n)) engine.globals.stop.value = Stop.system + 1;
  }

  #note(base: number, event: GuestEvent): void {
    const set = (offset: number, value: bigint): void => {
      this.#engine.longs[(base + offset) >> 3] = BigInt.asUintN(64, value);
    };
    set(CORE.stopVector, BigInt(event.vector));
    set(CORE.stopError, event.errorCode ?? 0n);
    set(CORE.stopKind, EVENT_KIND[event.kind]);
    if (event.kind !== 'fault') set(CORE.stopNext, event.nextRip);
    this.#engine.globals.stop.value = Stop.exception + 1;
  }

  #recordInFlight = 0;

  #reference(core: number, record: number): Reference {
    this.#recordInFlight = record;
    const known = this.#cores.get(core);
    if (known !== undefined) return known;
    const engine = this.#engine;
    const base = coreBase(core);
    const { access, globals } = engine;
    const check = (): void => {
      if (globals.stop.value !== 0) throw new Stopped();
    };
    const made = new Reference(engine.view, base, {
      load: (address, size, kind, modify) => {
        const value = access.load(base, BigInt.asIntN(64, address), size / 8, KIND[kind], modify ? 1 : 0);
        check();
        return BigInt.asUintN(64, value);
      },
      store: (address, size, value, kind) => {
        access.store(base, BigInt.asIntN(64, address), size / 8, BigInt.asIntN(64, value), KIND[kind]);
        check();
      },
      lockBegin: (address, size) => {
        access.lockBegin(base, BigInt.asIntN(64, address), size / 8, KIND.data);
        check();
      },
      drainStoreBuffer: () => {
        if (engine.words[(base + CORE.storeBufferCount) >> 2] !== 0) globals.stop.value = Stop.drain + 1;
        else if (engine.features.fence && engine.instructionAt(this.#recordInFlight).mnemonic === 'mfence') this.#host.fence(base);
        check();
      },
      probe: (address, bytes, kind) => {
        access.probe(base, BigInt.asIntN(64, address), bytes, KIND[kind]);
        check();
      },
      useExtended: () => {
        if (engine.words[(base + CORE.extendedUsed) >> 2] === 0) access.beginExtended(base);
      },
      system: () => {
        this.#status = this.#host.system(base, this.#recordInFlight);
        if (this.#status === 1) throw new Stopped();
      },
    });
    this.#cores.set(core, made);
    return made;
  }

  #clearLatch(base: number): void {
    const { access, locked } = this.#engine.globals;
    if (access.value === 0 && locked.value === 0) return;
    access.value = 0;
    locked.value = 0;
    if (!this.#engine.features.explore || this.#engine.words[(base + CORE.latchDone) >> 2] === 0) return;
    for (let n = 0; n <= LATCH_ENTRIES; n++) this.#engine.longs[((base + CORE.latchDone) >> 3) + n] = 0n;
  }
}
