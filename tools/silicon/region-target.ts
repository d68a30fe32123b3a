import { decode } from '../../src/isa/decode.ts';
import { NO_TAG, RECORD } from '../../src/isa/record.ts';
import { translateFetch } from '../../src/machine/paging.ts';
import { MachineTarget } from './machine-target.ts';
import { modeOfVector } from './segments.ts';
import type { Outcome } from './target.ts';
import type { Vector } from './vectors.ts';

const PAGE = 4096n;

/**
 * The machine with its region compiler, which compiles the instruction of each vector before that runs. What regions do not take runs in the interpreter, and
 * is counted.
 */
export class RegionTarget extends MachineTarget {
  /** Vectors that ran in a region, and by mnemonic those that did not. */
  inRegions = 0;
  readonly declined = new Map<string, number>();
  #record: number | undefined;

  constructor() {
    super('region');
  }

  override run(vector: Vector): Outcome {
    this.#record = undefined;
    const outcome = super.run(vector);
    // Its record is made again where the interpreter has run it.
    const ran = this.#record !== undefined && this.engine.view.getUint32(this.#record + RECORD.tag, true) === NO_TAG;
    if (ran) this.inRegions++;
    else {
      const decoded = decode(vector.bytes, modeOfVector(vector));
      const name = decoded.kind === 'instruction' ? decoded.instruction.mnemonic : decoded.kind;
      this.declined.set(name, (this.declined.get(name) ?? 0) + 1);
    }
    return outcome;
  }

  protected override prepare({ bytes, segments, before: { rip } }: Vector): void {
    // Regions are of 64-bit code.
    if (segments !== undefined) return;
    const { engine, core, machine } = this;
    const decoded = decode(bytes);
    if (decoded.kind !== 'instruction' || (rip % PAGE) + BigInt(decoded.fields.length) > PAGE) return;
    const at = translateFetch(machine, core, rip);
    if (!('physical' in at)) return;
    const record = engine.putRecord(decoded.instruction, decoded.fields, at.physical);
    engine.markCode(at.physical, decoded.fields.length);
    if (!engine.compileHere(core.index)) return;
    engine.view.setUint32(record + RECORD.tag, NO_TAG, true);
    this.#record = record;
  }

  /** How many ran in regions, as one line. */
  summary(): string {
    const left = [...this.declined].sort((a, b) => b[1] - a[1]);
    const total = left.reduce((sum, [, n]) => sum + n, this.inRegions);
    const names = left.map(([name, n]) => `${name} ${n}`).join(', ');
    return `${this.inRegions} of ${total} ran in a region; the interpreter ran ${names === '' ? 'none' : names}`;
  }
}
