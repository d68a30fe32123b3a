/** The forms that a trace comes in. */
export const TRACE_FORMATS = ['text', 'changelog', 'json', 'mermaid', 'perfetto', 'ftrace'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** Version of what is written for programs to read (json, ftrace, perfetto, mermaid). It goes up when a reader of the old one would be misled. */
export const TRACE_VERSION = 1;

/** What a trace is of. */
export interface TraceAbout {
  readonly scenario: string;
  readonly variant: string;
  readonly title: string;
  readonly cell: {
    readonly victims: number;
    readonly fetch: string;
    readonly memory: string;
    readonly sites?: number;
    readonly calls?: number;
  };
  /** The cell in words: `3 cores (2 victims), fetch intel-sdm, memory tso`. */
  readonly machine: string;
  /** What replays it; undefined for a run without any choice. */
  readonly token: string | undefined;
  /** Text that is patched. */
  readonly sites: readonly {
    readonly name: string;
    readonly address: bigint;
    readonly physical: number;
    readonly versions: readonly string[];
  }[];
}

/** `textpoke trace v1: ftrace/late-handler no-final-sync`. */
export const headline = (about: TraceAbout): string => `textpoke trace v${TRACE_VERSION}: ${about.scenario} ${about.variant}`;
