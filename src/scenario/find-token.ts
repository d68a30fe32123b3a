import { TextpokeError } from '../error.ts';
import { decodeToken, imageHash, nameHash, type TokenContent } from '../explore/token.ts';
import type { Image } from '../image/image.ts';
import { ALL_FETCH_POLICY_NAMES } from '../machine/policy/index.ts';
import { CATALOGUE } from './catalogue.ts';
import { cellName } from './matrix.ts';
import { type Cell, type Fixtures, imageOf, MAX_VICTIMS, type Scenario, type Variant } from './scenario.ts';

/** A token and the world that it belongs to. */
export interface FoundToken {
  readonly content: TokenContent;
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
}

/** Finds the world of a token. `E_TOKEN` (exit 125: it does not apply here) when there is none or its image is another one. */
export function findToken(token: string, fixtures: Fixtures, scenarios: readonly Scenario[] = CATALOGUE): FoundToken {
  const content = decodeToken(token);
  for (const scenario of scenarios) {
    for (const variant of scenario.variants) {
      for (let victims = 0; victims <= MAX_VICTIMS; victims++) {
        for (const fetch of ALL_FETCH_POLICY_NAMES) {
          for (const memory of ['sc', 'tso'] as const) {
            const cell: Cell = { victims, fetch, memory };
            if (nameHash(cellName(scenario, variant.name, cell)) !== content.world) continue;
            checkImage(token, content, imageOf(scenario, fixtures), `${scenario.name} ${variant.name}`);
            return { content, scenario, variant, cell };
          }
        }
      }
    }
  }
  throw new TextpokeError('E_TOKEN', 'the token belongs to no scenario that is known here', {
    where: token,
    exitCode: 125,
    hint: 'it was made by another version, or for scenarios of a file: --scenarios FILE',
  });
}

function checkImage(token: string, content: TokenContent, image: Image, name: string): void {
  const here = imageHash(image.contentHash());
  if (content.image === here) return;
  const hex = (n: number): string => n.toString(16).padStart(4, '0');
  throw new TextpokeError('E_TOKEN', `the token was made for another image of ${name}`, {
    where: `${token}: image ${hex(content.image)}, here ${hex(here)}`,
    exitCode: 125,
    hint: `explore again: textpoke explore ${name.replace(' ', ' --variant ')}`,
  });
}
