/** Runs of earlier versions of the page, which stored recipe and metrics in IndexedDB, become folders. */
import { clear, createStore, del, entries } from 'idb-keyval';
import { jsonLines, parseJsonLines } from '../../rl/data/json-lines.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { makeRecipe, recipeYaml } from '../../rl/recipe/recipe.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { MetricsRow } from '../../rl/report.ts';
import { readText, within, type RunFolder } from '../../rl/runs/run-folder.ts';
import { unknownFacts, writeFacts } from './facts.ts';

interface EarlierRun {
  id: string;
  slot: number;
  label: string;
  recipe: RecipeValues;
  started: number;
  overlaid: boolean;
}

/** The folder of the one run whose weights were kept. */
const KEPT = 'live';

/** @param page the page's default recipe */
export async function moveEarlierRuns(runs: RunFolder, page: RecipeValues): Promise<void> {
  const store = createStore('ponder-runs', 'runs');
  const all = await entries<string, unknown>(store);
  const { rows: kept } = parseJsonLines<MetricsRow>(
    (await readText(within(runs, KEPT), 'metrics.jsonl')) ?? '',
  );
  for (const [key, value] of all) {
    // The rows of a run are in pieces: ID/0, ID/1, and so on.
    if (key.includes('/')) continue;
    const { id, slot, label: name, recipe, started, overlaid } = value as EarlierRun;
    const pieces = all.filter(([piece]) => piece.startsWith(`${id}/`));
    const rows = pieces.flatMap(([, piece]) => piece as MetricsRow[]);
    const isKept = rows.length > 0 && countsOf(rows) === countsOf(kept);
    const run = within(runs, isKept ? KEPT : id);
    if (!isKept) {
      await run.write('recipe.yaml', wholeRecipe(page, recipe));
      await run.write('metrics.jsonl', jsonLines(rows));
    }
    await writeFacts(run, { ...unknownFacts(id), name, slot, started, overlaid });
  }
  await clear(store);
  await del('kept-run');
}

/** Tells runs apart, also if the numbers of one were rounded. */
const countsOf = (rows: readonly MetricsRow[]): string =>
  rows.map(({ step, num_tokens }) => `${step} ${num_tokens}`).join();

function wholeRecipe(page: RecipeValues, recipe: RecipeValues): string {
  try {
    return recipeYaml(makeRecipe(layerRecipes(page, recipe)));
  } catch {
    // It has a key that is gone; JSON is YAML, too.
    return JSON.stringify(recipe);
  }
}
