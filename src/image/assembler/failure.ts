import { TextpokeError } from '../../error.ts';

/** A place in the source: both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The error of a person's source text. `where` becomes `file:line:column` when it leaves the assembler. */
export class AsmFailure extends Error {
  readonly place: Place;
  readonly hint: string;

  constructor(message: string, place: Place, hint: string) {
    super(message);
    this.place = place;
    this.hint = hint;
  }

  toTextpokeError(file: string): TextpokeError {
    return new TextpokeError('E_ASM', this.message, { where: `${file}:${this.place.line}:${this.place.column}`, hint: this.hint });
  }
}

/** Why a backend gave no bytes for an instruction; not an error by itself, since our own encoder is asked next. */
export class BackendRefusal extends Error {}
