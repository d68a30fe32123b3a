import { testCells } from './cells.ts';

testCells([
  ['B31', 'complete', 'intel-sdm', 'ok'],
  ['B31', 'no-grace-period', 'coherent', 'assertion'],
  ['B31', 'bypass-first', 'coherent', 'assertion'],
  ['B31', 'target-first', 'coherent', 'assertion'],
  ['B31', 'loading.look-up', 'coherent', 'I12'],
  ['B31', 'loading.stable-first', 'coherent', 'I12'],
  ['B32', 'complete', 'intel-sdm', 'ok'],
  ['B32', 'off-by-four', 'intel-sdm', 'ok'],
  ['B32', 'off-by-four.no-compare', 'coherent', 'I12'],
  ['B32', 'two', 'coherent', 'ok'],
  ['B32', 'two.no-compare', 'coherent', 'I12'],
  ['B32', 'two.no-mutex', 'coherent', 'I12'],
]);
