import { Exit } from '../../error.ts';
import type { SharedFlags } from '../flags.ts';
import type { Io } from '../io.ts';
import { emitEvent } from '../json.ts';
import { VERSION } from '../version.ts';

interface Finding {
  readonly name: string;
  readonly present: boolean;
  readonly needed: boolean;
  /** A version when present, else what is lost without it. */
  readonly detail: string;
}

const FIRST_LINE = /^[^\n]*/;

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const present = major > 20 || (major === 20 && minor >= 19);
  const detail = present ? process.versions.node : `${process.versions.node}; 20.19 or newer is needed`;
  return { name: 'node', present, needed: true, detail };
}

async function iced(): Promise<Finding> {
  try {
    const { Code, Decoder } = await import('iced-x86');
    const decoder = new Decoder(64, Uint8Array.of(0x0f, 0x1f, 0x44, 0, 0), 0);
    const instruction = decoder.decode();
    const present = instruction.code === Code.Nop_rm32 && instruction.length === 5;
    instruction.free();
    decoder.free();
    return { name: 'iced-x86', present, needed: true, detail: present ? 'decodes the 5-byte NOP' : 'does not decode the 5-byte NOP' };
  } catch (error) {
    return { name: 'iced-x86', present: false, needed: true, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function assemblerPackage(name: string, without: string): Promise<Finding> {
  try {
    await import(name);
    return { name, present: true, needed: false, detail: 'loads' };
  } catch {
    return { name, present: false, needed: false, detail: without };
  }
}

function program(io: Io, name: string, without: string): Finding {
  const line = FIRST_LINE.exec(io.probe(name, ['--version']) ?? '')?.[0] ?? '';
  return { name, present: line !== '', needed: false, detail: line || without };
}

function unicorn(io: Io): Finding {
  const found = /libunicorn\S*/.exec(io.probe('/sbin/ldconfig', ['-p']) ?? '')?.[0];
  return { name: 'libunicorn', present: found !== undefined, needed: false, detail: found ?? 'no side-by-side speed figures' };
}

/** Says what is installed of what textpoke needs and of what it can use. Returns 0 when all that is needed is there, else 128. */
export async function doctorAction(options: SharedFlags, io: Io): Promise<number> {
  const findings: Finding[] = [
    { name: 'textpoke', present: true, needed: true, detail: VERSION },
    node(),
    await iced(),
    await assemblerPackage('@defasm/core', 'text is assembled by keystone-wasm alone'),
    await assemblerPackage('keystone-wasm', 'optional; text is assembled by @defasm/core alone'),
    program(io, 'gcc', 'fixtures cannot be rebuilt'),
    program(io, 'as', 'the assembler is not compared with GNU as'),
    program(io, 'gdb', 'no debugger for textpoke to talk to'),
    unicorn(io),
  ];
  for (const finding of findings) {
    const { name, present, needed, detail } = finding;
    if (options.json) emitEvent(io, 'check', { name, present, needed, detail });
    else io.stdout(`${present ? 'ok     ' : needed ? 'MISSING' : 'absent '}  ${name.padEnd(14)}  ${detail}\n`);
  }
  return findings.every(({ present, needed }) => present || !needed) ? Exit.ok : Exit.failure;
}
