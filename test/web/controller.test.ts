import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../src/scenario/catalogue.ts';
import { catalogueEntry } from '../../src/web/catalogue-entry.ts';
import { Controller, outcomeOf, type PageState } from '../../src/web/controller.ts';
import { Client, type WorkerLike } from '../../src/web/emulator/client.ts';
import type { Reply, Request, RunView, StateView } from '../../src/web/emulator/protocol.ts';
import { readPlace } from '../../src/web/link.ts';
import { filterCatalogue, groupByFamily } from '../../src/web/view/catalogue.ts';

const catalogue = CATALOGUE.map(catalogueEntry);

const run = (token: string, more: Partial<RunView> = {}): RunView => ({
  token,
  scenario: 'ftrace/late-handler',
  alias: 'F1',
  title: '',
  variant: 'no-final-sync',
  variantTitle: '',
  cell: { victims: 1, fetch: 'intel-sdm', memory: 'tso' },
  cellWords: '',
  cores: 2,
  roles: ['', ''],
  count: 4,
  core: Uint8Array.of(0, 1, 1, 0),
  tag: new Uint8Array(4),
  told: new Uint8Array(4),
  offered: new Uint16Array(4),
  answer: new Uint16Array(4),
  symbol: new Uint32Array(4),
  text: new Uint32Array(4),
  texts: [''],
  end: [],
  broken: undefined,
  open: false,
  arrows: [],
  handlers: [],
  hash: '',
  ...more,
});
const broken = { check: 'I1', title: 'unclaimed #BP', message: 'm', core: 1, at: 2 };

/** A page with workers that answer as `answers` say, and what it asked for. */
function pageWith(answers: Readonly<Record<string, (ask: never) => unknown>>) {
  const asked: string[] = [];
  const workers: { ended: boolean }[] = [];
  const start = (): WorkerLike => {
    const worker: WorkerLike & { ended: boolean } = {
      ended: false,
      onmessage: null,
      onerror: null,
      terminate() {
        worker.ended = true;
      },
      postMessage(message) {
        const { id, name, ask } = message as Request;
        asked.push(`${name} ${JSON.stringify(ask)}`);
        const tell = (reply: Reply): void => {
          if (!worker.ended) worker.onmessage?.({ data: reply });
        };
        queueMicrotask(() => {
          try {
            const answer = answers[name]?.(ask as never);
            if (answer !== 'never') tell({ id, answer });
          } catch (error) {
            tell({ id, error: { code: 'E_TOKEN', message: (error as Error).message, where: 'there', hint: 'copy it again' } });
          }
        });
      },
    };
    workers.push(worker);
    return worker;
  };
  const links: string[] = [];
  const states: PageState[] = [];
  const controller = new Controller({
    player: new Client(start),
    searcher: new Client(start),
    catalogue,
    addresses: { push: (link) => links.push(`push ${link}`), replace: (link) => links.push(`replace ${link}`) },
    changed: (state) => states.push(state),
  });
  return { controller, asked, links, states, workers };
}

const state = (ask: { at: number; inside: number; core: number }): Partial<StateView> => ({ ...ask, length: 3, options: [], cores: [] });
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe('the page', () => {
  test('opens a run where it breaks, asks why, and puts every move into the address', async () => {
    const { controller, asked, links } = pageWith({
      open: () => run('tp1_a', { broken }),
      state,
      why: () => ({ diagram: 'd', text: 'why   w' }),
    });
    await controller.show(readPlace('#t=tp1_a'));
    await settled();
    expect(controller.state).toMatchObject({ at: 2, core: 1, why: { text: 'why   w' } });
    expect(controller.state.state?.at).toBe(2);
    controller.step(-1);
    controller.step(-1);
    controller.step(1);
    await settled();
    expect(controller.link).toBe('#t=tp1_a&at=1&cpu=1');
    expect(links.at(-1)).toBe('replace #t=tp1_a&at=1&cpu=1');
    // Of the places that were passed, only the last is looked at.
    expect(asked.filter((a) => a.startsWith('state'))).toHaveLength(3);
    controller.instruction(1);
    await settled();
    expect(controller.link).toBe('#t=tp1_a&at=1+1&cpu=1');
    controller.step(-1);
    expect(controller.state).toMatchObject({ at: 1, inside: 0 });
  });

  test('the same token at another place is no new run', async () => {
    const { controller, asked } = pageWith({ open: () => run('tp1_a'), state });
    await controller.show(readPlace('#t=tp1_a&at=1'));
    await controller.show(readPlace('#t=tp1_a&at=3'));
    expect(controller.state.at).toBe(3);
    expect(asked.filter((a) => a.startsWith('open'))).toHaveLength(1);
  });

  test('a bad token is a message, and the run that was there stays', async () => {
    const { controller } = pageWith({
      open: ({ token }: { token: string }) => {
        if (token !== 'tp1_a') throw new Error('checksum mismatch');
        return run(token);
      },
      state,
    });
    await controller.show(readPlace('#t=tp1_a&at=3'));
    await controller.show(readPlace('#t=tp1_b'));
    expect(controller.state.problem).toMatchObject({ message: 'checksum mismatch', where: 'there', hint: 'copy it again' });
    expect(controller.state.run?.token).toBe('tp1_a');
    expect(controller.state).toMatchObject({ at: 3, busy: undefined });
    controller.dismiss();
    expect(controller.state.problem).toBeUndefined();
  });

  test('another choice has an address of its own and remembers the run before', async () => {
    const { controller, links } = pageWith({ open: () => run('tp1_a', { broken }), take: () => run('tp1_b'), state, why: () => 'never' });
    await controller.show(readPlace('#t=tp1_a&at=1'));
    await controller.take(1);
    expect(controller.state.fork).toMatchObject({ at: 1, token: 'tp1_a', outcome: 'breaks at @2: unclaimed #BP (I1)' });
    expect(links.at(-1)).toBe('push #t=tp1_b&at=1&cpu=1');
    expect(controller.state.at).toBe(1);
  });

  test('a search is cancelled by ending its worker; the run goes on', async () => {
    const { controller, workers } = pageWith({ open: () => run('tp1_a'), state, findFrom: () => 'never' });
    await controller.show(readPlace('#t=tp1_a&at=1'));
    const asked = controller.findFrom(undefined);
    expect(controller.state.search?.what).toBe('the orders from @1 on');
    controller.cancel();
    await asked;
    expect(controller.state.search).toBeUndefined();
    expect(controller.state.problem).toBeUndefined();
    expect(workers.map((w) => w.ended)).toEqual([false, true]);
    controller.step(1);
    await settled();
    expect(controller.state.state?.at).toBe(2);
  });

  test('a race that is found is opened in place of its search', async () => {
    const found = { verdict: 'violation', headline: 'FAIL', coverage: 'c', token: 'tp1_a', breaks: true, notes: [], missing: [] };
    const { controller, links } = pageWith({ find: () => found, open: () => run('tp1_a', { broken }), state, why: () => 'never' });
    await controller.find(catalogue[0]!, 'no-final-sync', 'push');
    expect(controller.state.run?.token).toBe('tp1_a');
    expect(controller.state.search?.found?.headline).toBe('FAIL');
    expect(links).toEqual(['push #s=ftrace/late-handler&v=no-final-sync', 'replace #t=tp1_a&at=2&cpu=1']);
  });

  test('a name that is no race, and a place that the run has not', async () => {
    const { controller } = pageWith({ open: () => run('tp1_a'), state });
    await controller.show(readPlace('#s=F99'));
    expect(controller.state.problem?.message).toBe("there is no race 'F99'");
    await controller.show(readPlace('#t=tp1_a&at=77'));
    expect(controller.state.problem).toMatchObject({ message: 'the run has no @77', hint: 'it goes from @0 to @4; this is @0' });
  });

  test('how runs end', () => {
    expect(outcomeOf(run('t'))).toBe('holds: nothing is broken in its 4 steps');
    expect(outcomeOf(run('t', { open: true }))).toBe('is cut at @4: it could go on');
  });
});

test('the catalogue is searched by all words, in names, titles, stories and variants', () => {
  expect(filterCatalogue(catalogue, '')).toHaveLength(CATALOGUE.length);
  expect(filterCatalogue(catalogue, 'F1 late').map((r) => r.alias)).toContain('F1');
  expect(filterCatalogue(catalogue, 'late nowhere-at-all')).toEqual([]);
  expect(groupByFamily(catalogue).flatMap((g) => g.races)).toHaveLength(CATALOGUE.length);
  expect(groupByFamily(catalogue)[0]?.family).toBe('ftrace');
});
