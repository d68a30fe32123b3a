import { tellStory } from '../../cli/story.ts';
import { scenarioOf } from '../../scenario/catalogue.ts';
import { CellRunner } from '../../scenario/matrix.ts';
import type { FixtureStore } from './fixture-store.ts';
import type { CallName, Calls, Progress } from './protocol.ts';
import { find, findFrom, livelockOf, tellWhy } from './search.ts';
import { Session } from './session.ts';
import { stateView } from './state-view.ts';

/** What a worker can do, whatever it is called over. One run is open at a time. */
export class Emulator {
  readonly #store: FixtureStore;
  readonly #runner: CellRunner;
  #session: Session | undefined;

  constructor(store: FixtureStore) {
    this.#store = store;
    this.#runner = new CellRunner(store.fixtures);
  }

  call<N extends CallName>(
    name: N,
    ask: Calls[N]['ask'],
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Calls[N]['answer']> {
    return this.#store.with(() => this.#handlers(onProgress)[name](ask));
  }

  #handlers(onProgress: (progress: Progress) => void): { readonly [N in CallName]: (ask: Calls[N]['ask']) => Calls[N]['answer'] } {
    const told = (counts: { states: number; transitions: number }, phase: string): void =>
      onProgress({ phase, states: counts.states, transitions: counts.transitions });
    return {
      open: ({ token }) => this.#show(Session.open(this.#runner, token)),
      livelock: ({ token }) => {
        const violation = livelockOf(this.#runner, token);
        return violation === undefined ? undefined : this.#show(Session.open(this.#runner, token, violation));
      },
      state: ({ at, inside, core }) => stateView(this.#opened(), at, inside, core),
      take: ({ at, choice }) => this.#show(this.#opened().take(at, choice)),
      find: (ask) => find(this.#runner, ask, told),
      findFrom: (ask) => findFrom(this.#runner, ask, told),
      story: ({ scenario }) => actorsAndBytes(tellStory(this.#runner, scenarioOf(scenario))),
      why: ({ token }) => tellWhy(this.#runner, token),
    };
  }

  #opened(): Session {
    if (this.#session === undefined) throw new Error('no run is open');
    return this.#session;
  }

  #show(session: Session): Calls['open']['answer'] {
    this.#session?.release();
    this.#session = session;
    return session.view();
  }
}

/** Of what `textpoke explain` tells of a race, the parts that only its worlds know. */
const actorsAndBytes = (story: string): string =>
  story
    .split('\n\n')
    .filter((block) => /^(actors|bytes)\b/.test(block))
    .join('\n\n');
