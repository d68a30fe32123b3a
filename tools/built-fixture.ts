import { readFileSync } from 'node:fs';
import { type Image, imageFromElf } from '../src/image/image.ts';

const loaded = new Map<string, Image>();

/** The committed image `fixtures/NAME/NAME.elf`, for tools and tests: it needs no command line. */
export function builtFixture(name: string): Image {
  let image = loaded.get(name);
  if (image === undefined) {
    image = imageFromElf(readFileSync(new URL(`../fixtures/${name}/${name}.elf`, import.meta.url)), `${name}.elf`);
    loaded.set(name, image);
  }
  return image;
}
