/** The library: what a program or a test imports as `textpoke`. */
export { type ErrorCode, Exit, TextpokeError } from './error.ts';
