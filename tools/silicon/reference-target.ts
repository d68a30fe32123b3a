import { GuestEvent, Reference } from '../../src/engine/reference.ts';
import { ARCHITECTURAL_BYTES, ARITHMETIC_FLAGS, Vector as Exception, gprOffset, OFFSET, type StateWord } from '../../src/isa/core-state.ts';
import { type Decoded, decode } from '../../src/isa/decode.ts';
import { arithmeticFlags, lazyFlags } from '../../src/isa/flags.ts';
import type { Mode } from '../../src/isa/mode.ts';
import { SEGMENTS } from '../../src/isa/segments.ts';
import { BLOCK_BYTES, CR4_OSFXSR_OSXMMEXCPT_OSXSAVE, putExtended, takeExtended, XCR0_X87_SSE_AVX } from './extended.ts';
import { FlatMemory, PageFault } from './flat-memory.ts';
import { modeOfVector, SEGMENT_ORDER, segmentWords } from './segments.ts';
import { type Outcome, type Ran, repeats, type VectorTarget } from './target.ts';
import { deliveredException, Unimplemented, userSystem } from './user-system.ts';
import type { Vector } from './vectors.ts';

const CR0_AM_PE_PG = 0x80050033n;
const CR4_FSGSBASE = 1n << 16n;
/** More iterations than any vector has: a REP that does not end is a failure, not a hang. */
const MAX_STEPS = 100_000;

/** The reference provider over the flat memory of the vectors' contract, at CPL 3. */
export class ReferenceTarget implements VectorTarget {
  readonly name = 'reference';
  readonly #view = new DataView(new ArrayBuffer(BLOCK_BYTES));
  readonly #memory = new FlatMemory();
  readonly #reference = new Reference(this.#view, 0, {
    load: (address, size, kind, modify) => this.#memory.load(address, size / 8, kind, modify),
    store: (address, size, value, kind) => this.#memory.store(address, size / 8, value, kind),
    lockBegin: () => {},
    drainStoreBuffer: () => {},
    probe: (address, bytes, kind) => this.#memory.probe(address, bytes, kind),
    useExtended: () => {},
    system: (i) => userSystem(i.mnemonic),
  });

  #segmented = false;

  run(vector: Vector): Outcome {
    this.#setUp(vector);
    const { segments } = vector;
    const mode = modeOfVector(vector);
    this.#segmented = segments !== undefined;
    let steps = 0;
    try {
      do {
        const decoded = this.#decode(vector.before.rip, mode);
        this.#reference.run(decoded.instruction, decoded.fields);
        steps++;
      } while (this.#word('rip') === vector.before.rip && repeats(vector) && steps < MAX_STEPS);
      return this.#state(steps);
    } catch (thrown) {
      if (thrown instanceof Unimplemented) return { kind: 'unimplemented', name: thrown.message };
      if (thrown instanceof GuestEvent) return this.#delivered(thrown, steps);
      throw thrown;
    }
  }

  #setUp({ before, memory, bytes, segments }: Vector): void {
    const base = segmentWords(segments).csBase ?? 0n;
    this.#memory.reset([...memory, [before.rip + base, bytes]]);
    for (let at = 0; at < ARCHITECTURAL_BYTES; at += 8) this.#view.setBigUint64(at, 0n, true);
    before.gpr.forEach((value, n) => this.#view.setBigUint64(gprOffset(n), value, true));
    const flags = lazyFlags(Number(before.rflags) & ARITHMETIC_FLAGS);
    const words: Partial<Record<StateWord, bigint>> = {
      ...flags,
      rip: before.rip,
      flagSystem: before.rflags & ~BigInt(ARITHMETIC_FLAGS | 2),
      fsBase: before.fsBase,
      gsBase: before.gsBase,
      cs: 0x33n,
      ss: 0x2bn,
      cpl: 3n,
      cr0: CR0_AM_PE_PG,
      cr4: CR4_FSGSBASE | CR4_OSFXSR_OSXMMEXCPT_OSXSAVE,
      xcr0: XCR0_X87_SSE_AVX,
      ...segmentWords(segments),
    };
    for (const [name, value] of Object.entries(words)) this.#view.setBigUint64(OFFSET[name as StateWord], value, true);
    putExtended(this.#view, 0, before.extended);
  }

  #decode(offset: bigint, mode: Mode): Extract<Decoded, { kind: 'instruction' }> {
    const rip = offset + this.#word('csBase');
    const inSegment = this.#segmented ? Number(this.#word('csHigh') - offset) + 1 : 15;
    const bytes = this.#memory.fetch(rip, Math.min(15, inSegment));
    const decoded = decode(bytes, mode);
    switch (decoded.kind) {
      case 'instruction':
        return decoded;
      case 'unimplemented':
        throw new Unimplemented(decoded.name);
      case 'invalid':
        throw new GuestEvent('fault', Exception.UD, undefined, rip);
      case 'tooLong':
        throw new GuestEvent('fault', Exception.GP, 0n, rip);
      case 'truncated':
        if (bytes.length === inSegment) throw new GuestEvent('fault', Exception.GP, 0n, rip);
        throw this.#memory.fetchFault(rip + BigInt(bytes.length));
    }
  }

  #delivered(event: GuestEvent, steps: number): Ran {
    const { atNext, ...exception } = deliveredException(event);
    if (atNext) this.#view.setBigUint64(OFFSET.rip, event.nextRip, true);
    return { ...this.#state(steps), exception: event instanceof PageFault ? { ...exception, cr2: event.cr2 } : exception };
  }

  #state(steps: number): Ran {
    return {
      kind: 'ran',
      gpr: Array.from({ length: 16 }, (_, n) => this.#view.getBigUint64(gprOffset(n), true)),
      rip: this.#word('rip'),
      rflags: this.#word('flagSystem') | BigInt(arithmeticFlags(this.#word('flagResult'), this.#word('flagCarry'))) | 2n,
      fsBase: this.#word('fsBase'),
      gsBase: this.#word('gsBase'),
      ...(this.#segmented && { segments: SEGMENT_ORDER.map((n) => Number(this.#word(SEGMENTS[n]!.selector))) }),
      extended: takeExtended(this.#view, 0),
      changed: this.#memory.changed(),
      steps,
    };
  }

  #word(name: StateWord): bigint {
    return this.#view.getBigUint64(OFFSET[name], true);
  }
}
