/** The parts of two packages that are used. `@defasm/core` has no types; those of the optional `keystone-wasm` are not found through its exports. */
declare module '@defasm/core' {
  export class AssemblyState {
    constructor(options: { syntax: { intel: boolean; prefix: boolean } });
    readonly errors: readonly { readonly message: string }[];
    readonly head: { dump(): Uint8Array };
    compile(source: string): void;
  }
}

declare module 'keystone-wasm' {
  export class Keystone {
    constructor(architecture: number, mode: number);
    static version(): { major: number; minor: number };
    asm(text: string, options: { address: number | bigint }): Uint8Array;
    close(): void;
  }
  export const Const: { readonly KS_ARCH_X86: number; readonly KS_MODE_64: number };
  export function loadKeystone(options: { print(text: string): void; printErr(text: string): void }): Promise<void>;
}
