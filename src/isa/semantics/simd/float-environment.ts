import { Vector } from '../../core-state.ts';
import { EXCEPTIONS, MASKS_AT, PRE_COMPUTATION } from '../../helpers/mxcsr.ts';
import type { Vocabulary } from '../../vocabulary.ts';
import type { Shape } from './float-elements.ts';
import { lanes, packLanes } from './lanes.ts';
import { enterMmx } from './mmx-state.ts';

const CR4_OSXMMEXCPT = 1n << 10n;

/**
 * The floating-point environment of one instruction: every element is computed under the MXCSR from before it, and what the elements raise is reported once,
 * for all of them (SDM Vol. 1, "SIMD Floating-Point Exceptions").
 */
export class Environment<V> {
  readonly #p: Vocabulary<V>;
  readonly #mxcsr: V;
  #raised: V;

  constructor(p: Vocabulary<V>) {
    this.#p = p;
    this.#mxcsr = p.state('mxcsr');
    this.#raised = p.constant(0);
  }

  /** One element by a helper of `helpers/float.ts`. */
  compute(helper: string, ...parameters: readonly V[]): V {
    const { value, flags } = this.#p.float(helper, parameters, this.#mxcsr);
    this.#raised = this.#p.or(this.#raised, flags);
    return value;
  }

  /** All elements of quadwords by `f32.NAME` or `f64.NAME`; the odd ones by another helper where there is a second name. */
  quads(size: 32 | 64, [even, odd = even]: readonly [string, string?], ...operands: readonly (readonly V[])[]): V[] {
    const { quads, flags } = this.#p.floatQuads([even, odd], size, operands, this.#mxcsr);
    this.#raised = this.#p.or(this.#raised, flags);
    return quads;
  }

  /** What an instruction of `shape` computes from its values. */
  each({ size, scalar }: Shape, name: string, ...operands: readonly (readonly V[])[]): V[] {
    if (!scalar) return this.quads(size, [name], ...operands);
    return [this.compute(`f${size}.${name}`, ...operands.map((o) => o[0] as V))];
  }

  /** The same of an operation that takes a control value behind the elements. */
  eachUnder({ size, scalar }: Shape, name: string, control: V, ...operands: readonly (readonly V[])[]): V[] {
    const taken = scalar ? operands : operands.map((quads) => lanes(this.#p, quads, size));
    const out = taken[0]!.map((_, n) => this.compute(`f${size}.${name}`, ...taken.map((elements) => elements[n] as V), control));
    return scalar ? out : packLanes(this.#p, out, size);
  }

  /**
   * When all elements are computed: #XM for what is unmasked, with nothing written but the flags; else `write`, and the flags stay set. Where an exception that
   * comes before computation is unmasked no element was computed, so that nothing else is flagged. `mmx`: the instruction works on an MMX register, and has
   * begun to when it reports (as measured).
   */
  finish(write: () => void, mmx = false): void {
    const p = this.#p;
    const raised = this.#raised;
    const masks = p.shr(this.#mxcsr, p.constant(MASKS_AT));
    const unmasked = p.and(p.and(raised, p.not(masks)), p.constant(EXCEPTIONS));
    p.when(unmasked, () => {
      const flagged = p.select(p.and(unmasked, p.constant(PRE_COMPUTATION)), p.and(raised, p.constant(PRE_COMPUTATION)), raised);
      p.setStateEarly('mxcsr', p.or(this.#mxcsr, flagged));
      if (mmx) enterMmx(p);
      p.when(p.and(p.state('cr4'), p.constant(CR4_OSXMMEXCPT)), () => p.raise(Vector.XM));
      p.raise(Vector.UD);
    });
    write();
    p.setState('mxcsr', p.or(this.#mxcsr, raised));
  }
}
