import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { TextpokeError } from '../../../src/error.ts';
import { imageFromContents } from '../../../src/image/boot-image.ts';
import { imageFromElf } from '../../../src/image/image.ts';
import { BareMachine } from '../../../src/kernel/bare.ts';
import { endText } from '../../../src/kernel/bare-report.ts';
import { runBare } from '../../../src/kernel/bare-run.ts';
import type { EngineName } from '../../../src/machine/machine.ts';

/** What a program wrote and how it ended; `spent` when it did not. */
export interface Outcome {
  readonly output: string;
  readonly end: string;
  readonly spent: boolean;
  readonly instructions: number;
}

/** How a program ends without a kernel where it gets a signal with one: by an exception, and abort() by its HLT. */
const SIGNALS: Readonly<Record<string, string>> = { SIGFPE: '#DE', SIGILL: '#UD', SIGSEGV: '#PF', SIGTRAP: '#BP', SIGABRT: 'halted' };
/** Libraries choose their functions by who made the processor: the same as here. */
const VENDOR = /^vendor_id\s*: (.{12})$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1];
const RAM = 160 << 20;
/** Of CPU, and much more than what is run under textpoke takes here. */
const SECONDS = 1;

/** On the CPU of this machine. */
export function runHere(path: string): Outcome {
  const { status, signal, stdout, error } = spawnSync('/bin/sh', ['-c', `ulimit -t ${SECONDS}; exec "$0"`, path], {
    maxBuffer: 1 << 26,
    env: {},
  });
  if (status === null && signal === null) throw error ?? new Error(path);
  const end = signal === null ? `exit ${status}` : (SIGNALS[signal] ?? signal);
  return { output: stdout.toString('latin1'), end, spent: signal === 'SIGXCPU' || signal === 'SIGKILL', instructions: 0 };
}

/** The same file under textpoke. `soon`: regions compile what runs for the third time, not what is hot. */
export function runEmulated(bytes: Uint8Array, engine: EngineName, maxInstructions: number, soon: boolean): Outcome {
  const image = imageFromContents(bytes, 'program') ?? imageFromElf(bytes, 'program');
  const written: number[] = [];
  const bare = new BareMachine(image, {
    cores: 1,
    ramBytes: RAM,
    engine,
    entry: image.symbol('bare_start').address,
    vendor: VENDOR,
    serial: (_core, byte) => written.push(byte),
  });
  try {
    if (soon && engine === 'region') bare.machine.engine.compileSoon();
    const { cause, cores, instructions } = runBare(bare, { maxInstructions });
    const end = endText(image, cores[0]!.end);
    return { output: Buffer.from(written).toString('latin1'), end, spent: cause === 'budget', instructions };
  } catch (error) {
    if (!(error instanceof TextpokeError)) throw error;
    return {
      output: Buffer.from(written).toString('latin1'),
      end: `${error.code}: ${error.message} at ${error.where}`,
      spent: false,
      instructions: 0,
    };
  } finally {
    bare.machine.release();
  }
}
