/** What of a lock file is compared. */
export interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly optional?: boolean; readonly peer?: boolean }>
  >;
}
export declare const root: string;
export declare function whyInstall(lock: LockFile, installed: LockFile | undefined): string | undefined;
export declare function bootstrap(): void;
export declare function runNode(args: readonly string[], cwd?: string): void;
export declare function runTextpoke(args: readonly string[]): void;
