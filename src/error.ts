/** Codes of the errors that a person can cause or meet. */
export type ErrorCode =
  | 'E_USAGE'
  | 'E_FILE'
  | 'E_ELF'
  | 'E_IMAGE'
  | 'E_ASM'
  | 'E_INSN'
  | 'E_TOKEN'
  | 'E_SCENARIO'
  | 'E_BUDGET'
  | 'E_DIVERGE'
  | 'E_GUEST'
  | 'E_INTERNAL';

/** Exit codes, as `git bisect run` reads them: 125 skips, 128 and above abort. */
export const Exit = { ok: 0, violation: 1, inconclusive: 125, failure: 128, usage: 129, interrupted: 130 } as const;

const EXIT_OF: Record<ErrorCode, number> = {
  E_USAGE: Exit.usage,
  E_SCENARIO: Exit.usage,
  E_TOKEN: Exit.usage,
  E_BUDGET: Exit.inconclusive,
  E_FILE: Exit.failure,
  E_ELF: Exit.failure,
  E_IMAGE: Exit.failure,
  E_ASM: Exit.failure,
  E_INSN: Exit.failure,
  E_DIVERGE: Exit.failure,
  E_GUEST: Exit.failure,
  E_INTERNAL: Exit.failure,
};

/**
 * The one error type: says what, where and what next. `message` is the what; `where` names file, address, core or
 * argument; `hint` is what to do. `exitCode` is the documented one of the code unless given.
 */
export class TextpokeError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number;

  /** Also true for one that another copy of this package threw: of a scenario file with a textpoke of its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TextpokeError';
  }

  constructor(code: ErrorCode, message: string, options: { where?: string; hint?: string; exitCode?: number } = {}) {
    super(message);
    this.name = 'TextpokeError';
    this.code = code;
    this.where = options.where;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT_OF[code];
  }
}
