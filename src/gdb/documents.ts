import type { Image } from '../image/image.ts';
import type { RegisterFile } from './registers.ts';
import type { Target } from './target.ts';
import { threadIdOf } from './thread-id.ts';

/** `target.xml`: the registers of a core, in the order of their numbers. No operating system: gdb looks for none of its traces then. */
export function targetXml({ architecture, features: all }: RegisterFile): string {
  const features = all.map(({ name, types, registers }) => {
    const regs = registers.map(
      (r) => `<reg name="${r.name}" bitsize="${r.bits}" type="${r.type}"${r.group === undefined ? '' : ` group="${r.group}"`}/>`,
    );
    return `<feature name="${name}">${types ?? ''}${regs.join('\n')}</feature>`;
  });
  return `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>${architecture}</architecture><osabi>none</osabi>${features.join('\n')}</target>`;
}

/** The cores, with what `info threads` says of each. */
export function threadsXml(target: Target): string {
  const threads = target.timeline.machine.cores.map(
    (core) =>
      `<thread id="${threadIdOf(core.index)}" core="${core.index}" name="${escaped(target.threadName(core))}">${escaped(target.threadText(core))}</thread>`,
  );
  return `<?xml version="1.0"?><threads>${threads.join('')}</threads>`;
}

const TOP = 1n << 64n;
const MIDDLE = 1n << 63n;

/** Code that the image does not map writable is ROM: gdb puts hardware breakpoints there. All the rest is RAM, mapped or not. */
export function memoryMapXml(image: Image): string {
  const rom = image.segments
    .filter((s) => s.executable && !s.writable && s.memorySize > 0)
    .map((s) => ({ from: s.address, to: s.address + BigInt(s.memorySize) }))
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const parts: string[] = [];
  const add = (type: string, from: bigint, to: bigint): void => {
    if (from < to) parts.push(`<memory type="${type}" start="0x${from.toString(16)}" length="0x${(to - from).toString(16)}"/>`);
  };
  let at = 0n;
  for (const { from, to } of rom) {
    add('ram', at, from);
    add('rom', from > at ? from : at, to);
    at = to > at ? to : at;
  }
  // Where nothing is ROM: gdb has no number for a length of 2^64.
  if (at === 0n) add('ram', at, MIDDLE);
  add('ram', at === 0n ? MIDDLE : at, TOP);
  return `<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd"><memory-map>${parts.join('')}</memory-map>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
