import { TextpokeError } from '../../error.ts';
import { type Image, imageFromElf } from '../../image/image.ts';
import type { Fixtures } from '../../scenario/scenario.ts';

/** Thrown where an image is asked for that is not loaded yet: it is loaded, and what asked for it runs again. */
class NotLoaded {
  readonly fixture: string;

  constructor(fixture: string) {
    this.fixture = fixture;
  }
}

/** The built images that scenarios name: each is fetched when it is first needed. */
export class FixtureStore {
  readonly #load: (name: string) => Promise<Uint8Array>;
  readonly #images = new Map<string, Image>();

  /** `load` gives the bytes of a built image by its fixture's name. */
  constructor(load: (name: string) => Promise<Uint8Array>) {
    this.#load = load;
  }

  readonly fixtures: Fixtures = (name) => {
    const image = this.#images.get(name);
    if (image === undefined) throw new NotLoaded(name);
    return image;
  };

  /** Runs `work`, which may ask for any image. It runs again from its start after each image that was missing. */
  async with<T>(work: () => T): Promise<T> {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof NotLoaded)) throw error;
        this.#images.set(error.fixture, imageFromElf(await this.#load(error.fixture), `fixtures/${error.fixture}/${error.fixture}.elf`));
      }
    }
  }
}

/** Fetches images from their addresses, as the page has them. */
export function fetchFrom(addresses: Readonly<Record<string, string>>): (name: string) => Promise<Uint8Array> {
  return async (name) => {
    const address = addresses[name];
    const response = address === undefined ? undefined : await fetch(address);
    if (response?.ok !== true) {
      throw new TextpokeError('E_FILE', `the image ${name} could not be loaded`, {
        where: response === undefined ? name : `HTTP ${response.status}`,
        hint: 'is the server still there? reload the page',
      });
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}
