import type { Thread } from './threads.ts';

/** A file that is being written. */
export interface OpenFile {
  write(data: string | Uint8Array): void;
  close(): void;
}

/**
 * What a verb may touch outside itself. The program passes the real one, a test passes one that records, so that every
 * verb runs in-process.
 */
export interface Io {
  /** Results. With `--json` only NDJSON events are written here. Bytes are written as they are. */
  stdout(data: string | Uint8Array): void;
  /** Messages, progress and errors for a person. */
  stderr(text: string): void;
  /** Whether the streams are terminals. */
  readonly isTTY: { readonly stdout: boolean; readonly stderr: boolean };
  /** The environment's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The bytes of a file. Throws `TextpokeError` E_FILE. */
  readFile(path: string): Uint8Array;
  /** Paths of the files in a folder and below, sorted; undefined when the path is no folder. Throws `TextpokeError` E_FILE. */
  listFiles(path: string): readonly string[] | undefined;
  /** Replaces a file, making its folder if needed. Throws `TextpokeError` E_FILE. */
  writeFile(path: string, data: string | Uint8Array): void;
  /** Begins a file anew, making its folder if needed, to be written in pieces. Throws `TextpokeError` E_FILE, as its methods do. */
  openFile(path: string): OpenFile;
  /** Like `writeFile`, but whoever reads the file sees the old bytes or all of the new ones, even when this process is killed. Throws `TextpokeError` E_FILE. */
  replaceFile(path: string, data: Uint8Array): void;
  /** What an ES module exports. Throws `TextpokeError` E_FILE. */
  importModule(path: string): Promise<object>;
  /** All of standard input as text; empty when it is a terminal. */
  readStdin(): string;
  /** Milliseconds since some moment, never going back. Used for budgets and progress, never for results. */
  now(): number;
  /** Seconds of CPU time that the program has used. Told to people, never part of a result. */
  cpuSeconds(): number;
  /** True from the moment on that the user asked to stop (^C). Long work asks now and then, prints what it has and returns 130. */
  interrupted(): boolean;
  /** Lets what came from outside in the meantime be noticed, a ^C for one. */
  listen(): Promise<void>;
  /** Starts a thread that works for this one: `--jobs`. */
  startThread(): Thread;
  /** Runs a program and returns what it wrote to stdout, or undefined when it is absent or fails. */
  probe(command: string, args: readonly string[]): string | undefined;
  /** Runs a program that is there, in a folder, to its end; what it says on stdout is dropped. */
  run(command: string, args: readonly string[], folder: string): { readonly status: number | null; readonly stderr: string };
  /** The exit code of the verb that ran. */
  exitCode: number;
}
