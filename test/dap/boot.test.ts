import { describe, expect, test } from 'vitest';
import { TestClient } from './client.ts';

const granularity = 'instruction';

/** What the client shows of CPU0: the address, the instruction there, and CS. */
async function where(client: TestClient): Promise<string> {
  const [frame] = await client.frames(1);
  const memoryReference = frame!.instructionPointerReference;
  const { body } = await client.customRequest('disassemble', { memoryReference, instructionCount: 1 });
  expect(await client.says('$rip')).toContain(memoryReference);
  return `${memoryReference} ${body.instructions[0].instruction}, cs ${(await client.says('$cs')).split(' ')[0]}`;
}

async function breakAt(client: TestClient, ...addresses: readonly string[]): Promise<void> {
  const breakpoints = addresses.map((instructionReference) => ({ instructionReference }));
  await client.customRequest('setInstructionBreakpoints', { breakpoints });
}

describe('what boots, in an editor', () => {
  test.each(['interpreter', 'region'])('a disk in real mode is stepped into the BIOS, back, and over it: %s', async (engine) => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/boot/services.img', engine, stopOnEntry: true });
    expect(await where(client)).toBe('0x7c00 cli, cs 0');
    await breakAt(client, '0x7c22');
    expect((await client.stops(() => client.continueRequest({ threadId: 1 }))).reason).toBe('instruction breakpoint');
    expect(await where(client)).toBe('0x7c22 int $0x13, cs 0');
    const before = await client.at();
    await client.stops(() => client.stepInRequest({ threadId: 1, granularity }));
    // Addresses are linear, whatever CS is.
    expect(await where(client)).toMatch(/^0xff[0-9a-f]{3} .*, cs 0xf000$/);
    const [frame] = await client.frames(1);
    const { scopes } = (await client.scopesRequest({ frameId: frame!.id })).body;
    const fetch = scopes.find((s) => s.name === 'Fetch')!.variablesReference;
    const [next] = (await client.variablesRequest({ variablesReference: fetch })).body.variables;
    expect(next!.value).toMatch(/^66 60 \(pushal\)/);
    await client.stops(() => client.stepBackRequest({ threadId: 1, granularity }));
    expect(await client.at()).toBe(before);
    await client.stops(() => client.nextRequest({ threadId: 1, granularity }));
    expect(await where(client)).toBe('0x7c24 jae 0x7e3e, cs 0');
    expect(Number((await client.at()).slice(1))).toBeGreaterThan(Number(before.slice(1)) + 100);
    await expect(client.stepOutRequest({ threadId: 1 })).rejects.toThrow(/16- and 32-bit code is not followed/);
  });

  test('targets of branches are offsets in CS', async () => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/boot/services.img', stopOnEntry: true });
    await breakAt(client, '0x7c22');
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    for (let n = 0; n < 60; n++) {
      await client.stops(() => client.stepInRequest({ threadId: 1, granularity }));
      const here = await where(client);
      const jump = /^0xff([0-9a-f]{3}) j\w+ 0x([0-9a-f]+),/.exec(here);
      if (jump === null) continue;
      // Near jumps of the BIOS stay in its 4 KiB, which begin at F000h of segment F000h.
      expect(jump[2]).toMatch(/^f[0-9a-f]{3}$/);
      return;
    }
    expect.unreachable('the BIOS has not jumped');
  });

  test('each mode is disassembled and stepped in its size', async () => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/boot/modes.img', stopOnEntry: true });
    // protected, long_mode, compatibility and protected16 of modes.elf.
    const places = ['0x7c66', '0x7cde', '0x7d05', '0x7d2a'];
    await breakAt(client, ...places);
    const seen: string[] = [];
    for (const place of places) {
      await client.stops(() => client.continueRequest({ threadId: 1 }));
      const [frame] = await client.frames(1);
      expect(frame!.instructionPointerReference).toBe(place);
      seen.push(await where(client));
      await client.stops(() => client.stepInRequest({ threadId: 1, granularity }));
      await client.stops(() => client.stepBackRequest({ threadId: 1, granularity }));
      expect(await where(client)).toBe(seen.at(-1));
    }
    expect(seen).toEqual([
      '0x7c66 mov $0x10,%ax, cs 8',
      '0x7cde mov $0x7d9b,%esi, cs 0x18',
      '0x7d05 mov $0x7d87,%esi, cs 8',
      '0x7d2a mov $0x28,%ax, cs 0x20',
    ]);
  });

  test('a multiboot kernel by lines of C, over and into functions and back; it is told its command line', async () => {
    const client = new TestClient();
    await client.begin({ program: 'fixtures/boot/multiboot1.elf', commandLine: 'root=none', stopOnEntry: true }, () =>
      client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'kernel_main' }] }),
    );
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    const line = async (): Promise<string> => {
      const [frame] = await client.frames(1);
      return `${frame!.source?.name}:${frame!.line}`;
    };
    const lines = [await line()];
    while (lines.at(-1) !== 'multiboot1.c:74') {
      await client.stops(() => client.nextRequest({ threadId: 1 }));
      lines.push(await line());
      expect(lines.length).toBeLessThan(20);
    }
    expect(new Set(lines.map((l) => l.split(':')[0]))).toEqual(new Set(['multiboot1.c']));
    await client.stops(() => client.stepBackRequest({ threadId: 1 }));
    expect(await line()).toBe('multiboot1.c:73');
    await client.stops(() => client.stepInRequest({ threadId: 1 }));
    expect((await client.frames(1))[0]!.name).toMatch(/^say/);
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.stops(() => client.continueRequest({ threadId: 1 }));
    expect(client.output('stdout')).toContain('command line: root=none\n');
  });

  test('what cannot boot, or is told what it does not hear, is refused in the words of a launch configuration', async () => {
    const refused = (configuration: object): Promise<unknown> => new TestClient().begin(configuration);
    await expect(refused({ program: 'fixtures/boot/multiboot1.elf', boot: true })).rejects.toThrow(/cannot be booted/);
    await expect(refused({ program: 'fixtures/boot/modes.img', boot: true, base: '0x1000' })).rejects.toThrow(/leave "base" out/);
    await expect(refused({ program: 'fixtures/run/hello.elf', commandLine: 'x' })).rejects.toThrow(/only a multiboot kernel/);
    await expect(refused({ scenario: 'F1', boot: true })).rejects.toThrow(/'boot' does not fit here/);
    await expect(refused({ program: 'fixtures/run/hello.elf', engine: 'fast' })).rejects.toThrow(/reference, interpreter or region/);
  });
});
