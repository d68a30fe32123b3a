import { Pct } from './pct.ts';
import { Pos } from './pos.ts';
import type { Strategy, StrategyName } from './strategy.ts';
import { Windows } from './window.ts';

/** Depth of pure PCT where none is asked for. */
const DEFAULT_DEPTH = 2;

/**
 * Which strategy draws which schedule: schedule n is drawn by the n-th of them, over and over. The portfolio is half PCT of depth 2, a fifth of
 * depth 3, a fifth windows and a tenth POS, mixed so that each has its share of any ten.
 */
export function strategiesOf(name: StrategyName, depth: number = DEFAULT_DEPTH): readonly Strategy[] {
  switch (name) {
    case 'pct':
      return [new Pct(depth)];
    case 'pos':
      return [new Pos()];
    case 'window':
      return [new Windows()];
    case 'portfolio': {
      const [two, three, pos, windows] = [new Pct(2), new Pct(3), new Pos(), new Windows()];
      return [two, windows, two, three, two, pos, two, windows, two, three];
    }
  }
}
