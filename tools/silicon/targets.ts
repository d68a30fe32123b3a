import { ReferenceTarget } from './reference-target.ts';
import type { VectorTarget } from './target.ts';

/** Every target by the name of its engine. */
export const TARGETS: Readonly<Record<string, () => VectorTarget>> = {
  reference: () => new ReferenceTarget(),
};
