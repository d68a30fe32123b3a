import type { DescGuard } from '../../patch/text-poke-desc.ts';

/** The handler that goes with a batch, as the image names it. */
export const BATCH_OF: Readonly<Record<DescGuard, string>> = { vec: 'BATCH_VEC', stack: 'BATCH_STACK', static: 'BATCH_STATIC' };
