import type { FetchAge, Happening } from '../happening.ts';

/** A detail of something that happened. A bigint is an address or a word of memory. */
export type Field = readonly [name: string, value: string | number | bigint | boolean];

/** What a happening is called where a name is one word: `locked_store`, `fetch`, `ipi`. */
export const eventName = (h: Happening): string => (h.what === 'access' ? h.access.replace(' ', '_') : h.what);

/** Its details, flat, for formats that know names and values only. */
export function fieldsOf(h: Happening): Field[] {
  switch (h.what) {
    case 'access':
      return [
        ['name', h.name],
        ['value', h.text],
        ['bits', h.value],
        ['physical', BigInt(h.physical)],
        ['size', h.size],
        ['by', h.by],
      ];
    case 'fetch':
      return [
        ['name', h.name],
        ['bytes', h.bytes],
        ...(h.text === '' ? [] : [['insn', h.text] as const]),
        ['physical', BigInt(h.physical)],
        ['stale', h.stale],
        ...ageFields(h.age),
        ...(h.race ? [['race', true] as const] : []),
      ];
    case 'exception':
    case 'interrupt':
      return [
        ['name', h.name],
        ['vector', h.vector],
        ['rip', h.rip],
        ['frame', h.frame],
      ];
    case 'iret':
      return [
        ['rip', h.rip],
        ['frame', h.frame],
      ];
    case 'ipi':
      return [
        ['name', h.name],
        ['vector', h.vector],
        ['targets', h.targets.map((t) => `CPU${t}`).join(',')],
      ];
    case 'serialize':
      return [['why', h.why]];
    case 'icache':
      return [
        ['line', h.line],
        ['event', h.event],
      ];
    case 'note':
      return [
        ['id', h.id],
        ['a', h.a],
        ['b', h.b],
      ];
    case 'mark':
      return [
        ['kind', h.kind],
        ['text', h.text],
      ];
    case 'die':
      return [['reason', h.reason]];
    case 'exit':
      return [['code', h.code]];
    case 'shutdown':
      return [['why', h.why]];
    case 'violation':
      return [
        ['check', h.check],
        ['message', h.message],
      ];
    case 'lost':
      return [];
  }
}

/** `old`, `until=@13`; `mixed`, `parts=e8@0,1f 44@13`, where @start was there before the first step. */
function ageFields(age: FetchAge): Field[] {
  if (age.kind === 'now') return [['age', 'now']];
  if (age.kind === 'old')
    return [
      ['age', 'old'],
      ['until', `@${age.until}`],
    ];
  const parts = age.parts.map(({ bytes, since }) => `${bytes}@${since < 0 ? 'start' : since}`);
  return [
    ['age', 'mixed'],
    ['parts', parts.join(',')],
  ];
}
