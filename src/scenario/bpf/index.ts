import type { Scenario } from '../scenario.ts';
import { tailCallPoke } from './tail-call-poke.ts';
import { textPoke } from './text-poke.ts';

/** BPF programs and trampolines. */
export const bpf: readonly Scenario[] = [tailCallPoke, textPoke];
