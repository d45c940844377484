/** The visitor's own judge: stores it as a model, and asks it about labels and policies. */
import { storeModel } from '../../model/stored-models.ts';
import type { PolicyPairService, Trained, Written } from '../../app/policy-pair-service.ts';
import { storedPath } from '../../app/page-paths.ts';
import { Random } from '../../rl/random.ts';
import { mean } from '../../rl/statistics.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { within } from '../../rl/runs/run-folder.ts';
import { winRate } from '../../rl/evaluation/win-rate.ts';
import { pairAccuracy, TASTE_MODEL, type TasteLabel } from '../../app/taste.ts';
import { words } from '../../rl/world/menu.ts';
import { drawPrompts, promptText } from '../../rl/world/prompts.ts';

/** With how many of the held-out labels each judge agrees. */
export interface Agreement {
  own: number;
  /** The judge that ships with the page. */
  shipped: number;
  of: number;
}

/** The policy before and after training, on the same prompts. */
export interface TasteComparison {
  trained: Trained;
  prompts: number;
  /** Share of the prompts on which the judge prefers the response after training; ties count half. */
  preferred: number;
  /** Mean words of a response. */
  words: { before: number; after: number };
  examples: { prompt: string; before: string; after: string; preferred: 'before' | 'after' }[];
}

const PROMPTS = 64;
const EXAMPLES = 5;
const SHIPPED_JUDGE = 'public/models/reward';

/** null if nothing was held out. */
export async function agreement(
  service: Pick<PolicyPairService, 'score'>,
  heldOut: readonly TasteLabel[],
): Promise<Agreement | null> {
  if (heldOut.length === 0) return null;
  const chosen = heldOut.map(({ prompt, chosen: response }) => ({ prompt, response }));
  const rejected = heldOut.map(({ prompt, rejected: response }) => ({ prompt, response }));
  const agreed = async (judge: string): Promise<number> => {
    const scores = await service.score(judge, [...chosen, ...rejected]);
    const [own, other] = [scores.slice(0, heldOut.length), scores.slice(heldOut.length)];
    return Math.round(heldOut.length * pairAccuracy(own, other));
  };
  return {
    own: await agreed(storedPath(TASTE_MODEL)),
    shipped: await agreed(SHIPPED_JUDGE),
    of: heldOut.length,
  };
}

/** Compares the policies of a run on prompts that neither training nor labelling has drawn. */
export async function compare(
  service: Pick<PolicyPairService, 'writeBoth' | 'score'>,
  run: string | null,
  judge: string,
): Promise<TasteComparison> {
  const prompts = drawPrompts(new Random(1, 'taste compared'), 'dev', PROMPTS).map(promptText);
  const { trained, ...written } = await service.writeBoth(run, prompts, 1);
  const responses = (all: readonly Written[]): string[] => all.map(({ response }) => response);
  const [before, after] = [responses(written.before), responses(written.after)];
  const scored = async (responses: readonly string[]): Promise<number[]> =>
    service.score(
      judge,
      responses.map((response, i) => ({ prompt: prompts[i]!, response })),
    );
  const [scoresBefore, scoresAfter] = [await scored(before), await scored(after)];
  const meanWords = (responses: readonly string[]): number =>
    mean(responses.map((response) => words(response).length));
  return {
    trained,
    prompts: prompts.length,
    preferred: winRate(scoresAfter, scoresBefore),
    words: { before: meanWords(before), after: meanWords(after) },
    examples: prompts
      .map((prompt, i) => ({
        prompt,
        before: before[i]!,
        after: after[i]!,
        preferred: scoresAfter[i]! > scoresBefore[i]! ? ('after' as const) : ('before' as const),
      }))
      .filter((example) => example.before !== example.after)
      .slice(0, EXAMPLES),
  };
}

/** Stores the judge's last checkpoint, in a stored run, as a model that can be chosen. */
export async function keepModel(id: string, step: number): Promise<void> {
  const run = within(await browserRuns(), id);
  const at = `checkpoints/step-${step}`;
  const files = new Map<string, Blob>();
  for (const name of await run.list(at)) {
    if (name.startsWith('optimizer') || name.startsWith('trainer')) continue;
    const source = await run.open(`${at}/${name}`);
    files.set(name, new Blob([await source!.read()]));
  }
  await storeModel(TASTE_MODEL, files);
}
