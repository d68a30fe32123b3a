import { testCells } from './cells.ts';

testCells([
  ['B39', 'sync-core', 'intel-sdm', 'ok'],
  ['B39', 'no-sync', 'coherent', 'ok'],
  ['B39', 'no-sync', 'amd-apm', 'I4'],
  ['B39', 'no-sync', 'intel-sdm', 'code-race'],
  ['B39', 'no-sync.iret', 'intel-sdm', 'ok'],
  ['B40', 'nop5', 'coherent', 'assertion'],
  ['B40', 'nop10', 'intel-sdm', 'ok'],
  ['B40', 'nop10.unoptimize', 'intel-sdm', 'ok'],
  ['B40', 'nop10.unoptimize-all', 'coherent', 'I2'],
  ['B40', 'nop10.unoptimize-all', 'intel-sdm', 'code-race'],
  ['B41', 'no-fence', 'coherent', 'ok'],
  ['B41', 'no-fence', 'amd-apm', 'I4'],
  ['B41', 'fence', 'intel-sdm', 'code-race'],
  ['B41', 'slow.fence-if-armed', 'amd-apm', 'I4'],
  ['B41', 'slow.fence', 'amd-apm', 'ok'],
  ['B41', 'safepoint', 'strict', 'ok'],
]);
