import { type Image, imageFromElf } from '../image/image.ts';
import type { Fixtures } from '../scenario/scenario.ts';
import type { Io } from './io.ts';
import { packageFile } from './package-file.ts';

const loaded = new Map<string, Image>();

/** The images that scenarios run on, from the package's fixtures; each is read once. */
export function fixtures(io: Io): Fixtures {
  return (name) => {
    let image = loaded.get(name);
    if (image === undefined) {
      const path = `fixtures/${name}/${name}.elf`;
      image = imageFromElf(io.readFile(packageFile(path)), path);
      loaded.set(name, image);
    }
    return image;
  };
}
