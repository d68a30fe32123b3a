import { TextpokeError } from '../error.ts';
import { decodeToken, imageHash, nameHash, type TokenContent } from '../explore/token.ts';
import type { Image } from '../image/image.ts';
import { ALL_FETCH_POLICY_NAMES } from '../machine/policy/index.ts';
import { CATALOGUE } from './catalogue.ts';
import { cellName } from './matrix.ts';
import { type Cell, type Fixtures, imageOf, MAX_VICTIMS, type Scenario, type Variant } from './scenario.ts';
import { otherSizes, type Size } from './sizes.ts';

/** A token and the world that it belongs to. */
export interface FoundToken {
  readonly content: TokenContent;
  readonly scenario: Scenario;
  readonly variant: Variant;
  readonly cell: Cell;
}

/**
 * Finds the world of a token. `E_TOKEN` (exit 125: it does not apply here) when there is none or its image is another one. Cells of usual size come first, so
 * that no other size can take a token from them.
 */
export function findToken(token: string, fixtures: Fixtures, scenarios: readonly Scenario[] = CATALOGUE): FoundToken {
  const content = decodeToken(token);
  for (const sizesOf of [() => [{}], otherSizes]) {
    for (const scenario of scenarios) {
      for (const variant of scenario.variants) {
        const cell = cellOfName(scenario, variant, sizesOf(scenario.sizes(variant.name)), content.world);
        if (cell === undefined) continue;
        checkImage(token, content, imageOf(scenario, fixtures), `${scenario.name} ${variant.name}`);
        return { content, scenario, variant, cell };
      }
    }
  }
  throw new TextpokeError('E_TOKEN', 'the token belongs to no scenario that is known here', {
    where: token,
    exitCode: 125,
    hint: 'it was made by another version, or for scenarios of a file: --scenarios FILE',
  });
}

/** The cell of one of these sizes whose name has that hash. */
function cellOfName(scenario: Scenario, variant: Variant, sizes: readonly Size[], hash: number): Cell | undefined {
  for (const size of sizes) {
    for (let victims = 0; victims <= MAX_VICTIMS; victims++) {
      for (const fetch of ALL_FETCH_POLICY_NAMES) {
        for (const memory of ['sc', 'tso'] as const) {
          const cell: Cell = { victims, fetch, memory, ...size };
          if (nameHash(cellName(scenario, variant.name, cell)) === hash) return cell;
        }
      }
    }
  }
  return undefined;
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
