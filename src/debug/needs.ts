import type { Verdict } from '../explore/result.ts';
import type { CheckId } from '../explore/violation.ts';
import type { AnyFetchPolicyName } from '../machine/policy/policy.ts';

export type MemoryModel = 'sc' | 'tso';

/** What a search of the same scenario under other models finds: its verdict, and the check that it breaks. Undefined: not known. */
export type VerdictUnder = (
  memory: MemoryModel,
  fetch: AnyFetchPolicyName,
) => { readonly verdict: Verdict; readonly check?: CheckId | undefined } | undefined;

/** Ablation: does the same check still break with sequential consistency, with coherent fetch, with both? Undefined where that is not known. */
export function sayNeeds(
  check: CheckId,
  memory: MemoryModel,
  fetch: AnyFetchPolicyName,
  verdictUnder: VerdictUnder | undefined,
): string | undefined {
  const under = (m: MemoryModel, f: AnyFetchPolicyName): 'breaks' | 'holds' | undefined => {
    if (m === memory && f === fetch) return 'breaks';
    const found = verdictUnder?.(m, f);
    if (found?.verdict === 'violation') return found.check === undefined || found.check === check ? 'breaks' : undefined;
    return found?.verdict === 'ok' || found?.verdict === 'vacuous' ? 'holds' : undefined;
  };
  if (under('sc', 'coherent') === 'breaks') {
    const also = memory === 'sc' && fetch === 'coherent' ? '' : 'also ';
    return `${also}breaks under SC and coherent fetch: no store buffer, no stale fetch`;
  }
  const [sc, coherent] = [under('sc', fetch), under(memory, 'coherent')];
  if (sc === 'holds' && coherent === 'holds') return 'holds under SC, and with coherent fetch: needs a store buffer and stale fetch';
  if (sc === 'holds')
    return coherent === 'breaks'
      ? 'holds under SC, also breaks with coherent fetch: needs a store buffer, no stale fetch'
      : 'holds under SC: needs a store buffer';
  if (coherent === 'holds')
    return sc === 'breaks'
      ? 'holds with coherent fetch, also breaks under SC: needs stale fetch, no store buffer'
      : 'holds with coherent fetch: needs stale fetch';
  if (sc === 'breaks' && memory === 'tso') return 'also breaks under SC: no store buffer is needed';
  return coherent === 'breaks' && fetch !== 'coherent' ? 'also breaks with coherent fetch: no stale fetch is needed' : undefined;
}
