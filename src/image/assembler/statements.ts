import type { Expression } from './expression.ts';
import type { Place } from './failure.ts';
import type { Template } from './template.ts';

/** One parsed statement. Every one has a place; those with bytes are laid out in order. */
export type Statement = { readonly place: Place } & (
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'numericLabel'; readonly number: string }
  | { readonly kind: 'set'; readonly name: string; readonly expression: Expression }
  | { readonly kind: 'data'; readonly size: 1 | 2 | 4 | 8; readonly items: readonly Expression[] }
  | { readonly kind: 'bytes'; readonly bytes: readonly number[] }
  | { readonly kind: 'fill'; readonly count: Expression; readonly size: number; readonly value: Expression | undefined }
  /** Without `value` the padding is NOPs. */
  | {
      readonly kind: 'align';
      readonly power: boolean;
      readonly to: Expression;
      readonly value: Expression | undefined;
      readonly atMost: Expression | undefined;
    }
  | { readonly kind: 'nops'; readonly count: Expression }
  | { readonly kind: 'org'; readonly to: Expression; readonly value: Expression | undefined }
  | { readonly kind: 'instruction'; readonly template: Template }
);
