import { fileURLToPath } from 'node:url';
import { type Image, imageFromElf } from '../image/image.ts';
import type { Io } from './io.ts';

let loaded: Image | undefined;

/** The lab image that the scenarios run on, from the package's fixtures. */
export function labImage(io: Io): Image {
  loaded ??= imageFromElf(io.readFile(fileURLToPath(new URL('../../fixtures/lab/lab.elf', import.meta.url))), 'fixtures/lab/lab.elf');
  return loaded;
}
