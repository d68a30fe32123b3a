import type { StateVector } from './table/system.ts';

/** An exact name of a state. Slots behind the end of a vector hold 0, so zeros at the end say nothing. */
export function vectorKey(state: StateVector): string {
  let length = state.length;
  while (length > 0 && state[length - 1] === 0) length--;
  return state.subarray(0, length).join();
}

/** Whether two vectors are one state. */
export function sameState(a: StateVector, b: StateVector): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  for (let slot = 0; slot < short.length; slot++) if (short[slot] !== long[slot]) return false;
  for (let slot = short.length; slot < long.length; slot++) if (long[slot] !== 0) return false;
  return true;
}
