import type { Tag } from '../emulator/protocol.ts';

/** A sign for each tag, as the lanes paint it. */
export const GLYPHS: Readonly<Record<Tag, string>> = {
  local: '·',
  load: '○',
  buffer: '□',
  serialize: '│',
  iret: '△',
  publish: '■',
  fetch: '▽',
  ipi: '▶',
  interrupt: '◀',
  exception: '▲',
  text: '◆',
  stale: '▼',
  violation: '✖',
};

/** What the signs mean. */
export const TAG_WORDS: Readonly<Record<Tag, string>> = {
  local: 'goes on',
  load: 'load',
  buffer: 'store into its buffer',
  serialize: 'serializing event',
  iret: 'IRET',
  publish: 'memory changes',
  fetch: 'fetch of patched text',
  ipi: 'IPI sent',
  interrupt: 'interrupt taken',
  exception: 'exception',
  text: 'text changes',
  stale: 'stale fetch',
  violation: 'violation',
};
