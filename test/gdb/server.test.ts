import { describe, expect, test } from 'vitest';
import { hexOfText, packet } from '../../src/gdb/packet.ts';
import { Client } from './client.ts';
import { gdb, hasGdb, serve } from './session.ts';

const BROKEN = ['F1', '--variant', 'no-final-sync'];
const CTRL_C = Uint8Array.of(3);

/** As if somebody pressed ^C where the server runs. */
const stopServer = (): boolean => process.emit('SIGINT', 'SIGINT');

/** Until something holds: what the server says comes a moment later than what its client sees. */
async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !holds(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('the server', () => {
  test('says where it listens and what to type, on this host alone', async () => {
    const served = await serve([...BROKEN, '--at', '14', '--once']);
    expect(served.stdout()).toContain('ftrace/late-handler no-final-sync');
    expect(served.stdout()).toContain('it ends with I1 (unclaimed #BP): CPU1: int3 at ftrace_call claimed by nobody');
    expect(served.stdout()).toContain('@14 of @28');
    expect(served.stdout()).toMatch(/listening 127\.0\.0\.1:\d+ {3}try: gdb .*-ex 'target remote :\d+'/);
    const client = await Client.connect(served.port);
    expect(await client.ask('D;1')).toBe('OK');
    expect(await served.ended).toBe(0);
  });

  test('begins at the end of an image too, and a place that a run does not have is an error', async () => {
    const served = await serve(['fixtures/run/hello.elf', '--at', 'end', '--once']);
    expect(served.stdout()).toMatch(/^@\d{2,}$/m);
    const client = await Client.connect(served.port);
    expect(await client.ask('vCont;c:p1.-1')).toMatch(/^T05replaylog:end;/);
    await client.ask('D;1');
    await served.ended;
    await expect(serve([...BROKEN, '--at', '99'])).rejects.toThrow(/no @99/);
    await expect(serve(['tp1_AyDJUVKWAxwIAgEDAQEFAQICAQEEAADh1g', '--variant', 'x'])).rejects.toThrow(/a token says its variant/);
    await expect(serve(['fixtures/run/hello.elf', '--victims', '2'])).rejects.toThrow(/an image alone/);
    await expect(serve(['F1', '--entry', 'main'])).rejects.toThrow(/only an image alone/);
    await expect(serve(['F1', '--port', '70000'])).rejects.toThrow(/a whole number from 0 to 65535/);
  });

  test('a second client is refused at once, and the log says why', async () => {
    const served = await serve([...BROKEN, '--once']);
    const first = await Client.connect(served.port);
    expect(await first.ask('?')).toMatch(/^T05thread:p1\.\d;$/);
    const second = await Client.connect(served.port);
    expect(await second.next()).toBeUndefined();
    expect(served.stderr()).toContain('refused a second client');
    expect(await first.ask('qC')).toMatch(/^QCp1\./);
    await first.ask('D;1');
    await served.ended;
  });

  test('a client that vanishes makes room for the next one, which finds the machine where it is and none of its breakpoints', async () => {
    const served = await serve(['fixtures/run/loop.elf']);
    const first = await Client.connect(served.port);
    await first.monitor('goto 10');
    expect(await first.ask('Z0,400000,1')).toBe('OK');
    await first.end();
    await until(() => served.stderr().includes('vanished'));
    const second = await Client.connect(served.port);
    expect(await second.monitor('pos')).toContain('@10');
    // In the middle of a run, too.
    second.write(packet('vCont;c'));
    await second.end();
    await until(() => (served.stderr().match(/vanished/g) ?? []).length === 2);
    const third = await Client.connect(served.port);
    expect(Number(/@(\d+)/.exec(await third.monitor('pos'))?.[1])).toBeGreaterThanOrEqual(10);
    await third.ask('vKill;1');
    stopServer();
    expect(await served.ended).toBe(130);
  });

  test('with --once it ends when its client vanishes', async () => {
    const served = await serve([...BROKEN, '--once']);
    const client = await Client.connect(served.port);
    await client.ask('?');
    await client.end();
    expect(await served.ended).toBe(0);
  });

  test('a port that is taken is an error that says so', async () => {
    const served = await serve(['fixtures/run/loop.elf', '--once']);
    await expect(serve(['fixtures/run/loop.elf', '--port', String(served.port)])).rejects.toThrow(/port \d+: it is in use/);
    const client = await Client.connect(served.port);
    await client.ask('D;1');
    await served.ended;
  });

  test('^C stops runs in both directions, and the next request goes on from there', async () => {
    const served = await serve(['fixtures/run/loop.elf', '--once']);
    const client = await Client.connect(served.port);
    const position = async (): Promise<number> => Number(/@(\d+)/.exec(await client.monitor('pos'))?.[1]);
    expect(await client.ask('vCont;c:p1.-1', CTRL_C)).toMatch(/^T02thread:p1\.1;$/);
    const stopped = await position();
    expect(stopped).toBeGreaterThan(0);
    await client.monitor('goto 200000');
    expect(await client.ask('bc', CTRL_C)).toMatch(/^T02thread:p1\.1;$/);
    const back = await position();
    expect(back).toBeLessThan(200_000);
    expect(back).toBeGreaterThan(0);
    expect(await client.ask('bs')).toMatch(/^T05thread:p1\.1;$/);
    expect(await position()).toBe(back - 1);
    expect(await client.ask('vCont;s:p1.1;c:p1.-1')).toMatch(/^T05thread:p1\.1;$/);
    expect(await position()).toBe(back);
    expect(await client.ask('bc')).toMatch(/^T05replaylog:begin;/);
    await client.ask('D;1');
    await served.ended;
  });

  test('^C ends a search for a writer, and the run is where it was', async () => {
    const served = await serve(['fixtures/run/loop.elf', '--once']);
    const client = await Client.connect(served.port);
    await client.monitor('goto 300000');
    client.write(Uint8Array.from([...packet(`qRcmd,${hexOfText('who-wrote 0x400000 8')}`), ...packet('qC'), ...CTRL_C]));
    expect(await client.next()).toBe(`O${hexOfText('interrupted at @300000\n')}`);
    expect(await client.next()).toBe('OK');
    // What came meanwhile has waited.
    expect(await client.next()).toBe('QCp1.1');
    expect(await client.monitor('pos')).toContain('@300000');
    await client.ask('D;1');
    await served.ended;
  });

  test('reading everything changes neither the state nor the schedule', async () => {
    const served = await serve([...BROKEN, '--at', '21', '--once']);
    const client = await Client.connect(served.port);
    const token = await client.monitor('token');
    const state = async (): Promise<string> => {
      const cores: (string | undefined)[] = [];
      for (const thread of [1, 2, 3]) {
        await client.ask(`Hgp1.${thread}`);
        cores.push(await client.ask('g'));
        for (let n = 0; n < 100; n++) cores.push(await client.ask(`p${n.toString(16)}`));
      }
      return cores.join('\n');
    };
    const before = await state();
    for (const address of ['0', 'ffffffff81000000', 'ffffc90000002000', 'ffff888000000000', 'fffffffffffffff8', '8000000000000000'])
      for (const length of ['1', '8', '1000', 'ffffffff']) await client.ask(`m${address},${length}`);
    for (const what of [
      'icache ftrace_call',
      'fetched ftrace_call',
      'who-wrote ftrace_call 5',
      'choices',
      'pos',
      'token',
      'help',
      'until 3',
      'until off',
    ])
      await client.monitor(what);
    for (const object of ['threads', 'memory-map', 'exec-file', 'features'])
      expect(await client.ask(`qXfer:${object}:read:${object === 'features' ? 'target.xml' : ''}:0,ffff`)).toMatch(/^[lm]/);
    expect(await state()).toBe(before);
    expect(await client.monitor('token')).toBe(token);
    expect(await client.monitor('pos')).toContain('@21 of @28');
    // And it still leads where it leads.
    await client.ask('vCont;c:p1.-1');
    expect(await client.monitor('token')).toBe(token);
    expect(await client.monitor('pos')).toContain('@28 of @28');
    await client.ask('D;1');
    await served.ended;
  });

  test('what is not mapped is answered at once, and so is what is beyond a page that is', async () => {
    const served = await serve(['fixtures/run/hello.elf', '--once']);
    const client = await Client.connect(served.port);
    expect(await client.ask('m0,8')).toBe('E14');
    expect(await client.ask('m8000000000000000,8')).toBe('E14');
    // Four bytes of RAM are left.
    expect(await client.ask('m3fffffc,10')).toBe('00000000');
    expect(await client.ask('m7fffffffffff,10')).toBe('E14');
    await client.ask('D;1');
    await served.ended;
  });

  test('a file is sent only where that was asked for, and only the one', async () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const plain = await serve(['fixtures/run/hello.elf', '--once']);
    const none = await Client.connect(plain.port);
    const path = (await none.ask('qXfer:exec-file:read:1:0,fff'))?.slice(1) ?? '';
    expect(path).toMatch(/^\/.*fixtures\/run\/hello\.elf$/);
    expect(await none.ask(`vFile:open:${hex(path)},0,0`)).toBe('');
    await none.ask('D;1');
    await plain.ended;

    const served = await serve(['fixtures/run/hello.elf', '--once', '--send-file']);
    const client = await Client.connect(served.port);
    expect(await client.ask('vFile:setfs:0')).toBe('F0');
    for (const other of ['/etc/passwd', `${path}x`, path.replace('hello', 'loop'), path.replace('run/', 'run/../run/'), 'hello.elf', ''])
      expect(await client.ask(`vFile:open:${hex(other)},0,0`), other).toBe('F-1,2');
    expect(await client.ask(`vFile:open:${hex(path)},1,0`)).toBe('F-1,1');
    expect(await client.ask('vFile:pread:3,10,0')).toBe('F-1,9');
    expect(await client.ask(`vFile:open:${hex(path)},0,0`)).toBe('F3');
    expect(await client.ask('vFile:pread:3,4,0')).toBe('F4;\x7fELF');
    expect(await client.ask('vFile:pread:4,4,0')).toBe('F-1,9');
    expect(await client.ask('vFile:pwrite:3,0,abc')).toBe('F-1,1e');
    expect(await client.ask(`vFile:unlink:${hex(path)}`)).toBe('F-1,1e');
    expect(await client.ask('vFile:close:3')).toBe('F0');
    expect(await client.ask('vFile:fstat:3')).toBe('F-1,9');
    await client.ask('D;1');
    await served.ended;
  });
});

describe.skipIf(!hasGdb)('gdb', () => {
  test('^C, forward and backward', async () => {
    const served = await serve(['fixtures/run/loop.elf', '--once']);
    const lines = ['monitor goto 20000000', 'continue', 'p $pos > 20000000', 'reverse-continue', 'p $pos > 1000000', 'stepi'];
    const transcript = await gdb(served.port, lines.join('\n'), { wait: 'Continuing.' });
    await served.ended;
    expect(transcript.match(/received signal SIGINT, Interrupt\./g)).toHaveLength(2);
    expect(transcript).toMatch(/\$1 = 1[\s\S]*\$2 = 1/);
  });

  test('detaches and attaches again: the run is where it was', async () => {
    const served = await serve([...BROKEN, '--at', '5']);
    const first = await gdb(served.port, 'break ftrace_int3_handler\ncontinue\nmonitor pos\ndetach');
    const second = await gdb(served.port, 'monitor pos\ninfo threads\ncontinue\nmonitor pos\nmonitor token');
    stopServer();
    expect(await served.ended).toBe(130);
    const at = /@\S+ of @28, CPU1 at ftrace_int3_handler/.exec(first)?.[0];
    expect(at).toBeDefined();
    expect(second).toContain(at);
    // Its breakpoint went with the first one.
    expect(second).toContain('@28 of @28');
  });

  test('over the stdin and stdout of a command', async () => {
    const transcript = await gdb(
      '| node tools/textpoke.mjs gdb fixtures/run/hello.elf --cores 2 --stdio',
      'break main\ncontinue\ncontinue\nreverse-continue',
    );
    expect(transcript).toContain('hello from core 0');
    expect(transcript.match(/hit Breakpoint 1, main \(core=0/g)).toHaveLength(2);
    expect(transcript.match(/hit Breakpoint 1, main \(core=1/g)).toHaveLength(1);
  });
});
