/**
 * `analyze --thought_prompts`: what the thoughts of a run's last checkpoint contribute, on the run's
 * held-out prompts and by the run's rewards, unless other prompts or judges are named.
 */
import { loadCheckpoint } from '../model/adapted.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import type { Prompt } from '../rl/data/dataset.ts';
import { thoughtEffect, thoughtTokens } from '../rl/evaluation/thought-effect.ts';
import { hasRewards, type Recipe } from '../rl/recipe/recipe.ts';
import type { GoldJudge } from '../rl/rewards/reward.ts';
import { rolloutOptions } from '../rl/rollout/rollout.ts';
import { sampleCompletions } from '../rl/rollout/sample.ts';
import { openGold, openOwnJudge } from '../app/opening/rewards.ts';
import type { Surroundings } from '../app/opening/surroundings.ts';
import { UsageError } from './arguments.ts';
import { heldOutRows, openJudges, readPrompts, type JudgeOptions } from './judging.ts';
import { nodeSurroundings, openAt } from './open.ts';
import { findPolicy } from './run-files.ts';
import { cells, type Table } from './text.ts';

interface ThoughtOptions extends JudgeOptions {
  thought_prompts: number;
  prompts: string | undefined;
}

/** Seed of the sampling. */
const SEED = 0;

/** @throws UsageError when there are no thoughts, no prompts, or no judges */
export async function thoughtTable(
  run: string,
  recipe: Recipe,
  options: ThoughtOptions,
): Promise<Table> {
  if (!recipe.thinking) throw new UsageError(`${run} has no thoughts; leave --thought_prompts out`);
  const { path } = await findPolicy(run);
  const asked = await askedPrompts(run, recipe, options);
  const around = await nodeSurroundings();
  try {
    const judges = await namedOrOwn(run, recipe, options, around);
    const checkpoint = await openAt(path);
    const model = await loadCheckpoint(around.gpu, checkpoint);
    const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
    const written = rolloutOptions(recipe, 1, SEED);
    const prompts = asked.map(({ prompt }) => prompt);
    const groups = await sampleCompletions(model, tokenizer, prompts, written);
    const thoughts = thoughtTokens(tokenizer, groups, asked);
    if (thoughts.length < 2) {
      throw new UsageError(
        `only ${thoughts.length} of ${asked.length} completions end their thought, and a swap needs two; ` +
          'raise --thought_prompts',
      );
    }
    const policy = { model, tokenizer };
    const { sampling, malformed } = written;
    const effects = await thoughtEffect(policy, thoughts, sampling, malformed, judges);
    return [
      ['judge', 'thought', 'score', 'lost', 'low_95', 'high_95', 'own_wins', 'prompts'],
      ...Object.keys(judges).flatMap((judge) =>
        effects.map(({ variant, scores, loss, winRateOfOwn }) => [
          ...[judge, variant, scores[judge]!.mean],
          ...cells(loss?.[judge]),
          ...[winRateOfOwn?.[judge]?.mean ?? '', thoughts.length],
        ]),
      ),
    ];
  } finally {
    around.close();
  }
}

/** The prompts of --prompts, else the held-out prompts of the run. */
async function askedPrompts(
  run: string,
  recipe: Recipe,
  { prompts, thought_prompts: count }: ThoughtOptions,
): Promise<readonly Prompt[]> {
  if (prompts !== undefined) {
    const { rows, notice } = await readPrompts(prompts, count);
    if (notice !== undefined) process.stderr.write(`${notice}\n`);
    return rows;
  }
  return heldOutRows({ run, recipe }, count, ', or leave --thought_prompts out');
}

/** The judges of the options, else the rewards of the run; and its gold judge on its own prompts. */
async function namedOrOwn(
  run: string,
  recipe: Recipe,
  options: ThoughtOptions,
  around: Surroundings,
): Promise<Record<string, GoldJudge>> {
  const judges: Record<string, GoldJudge> = await openJudges(options, around);
  if (Object.keys(judges).length === 0 && hasRewards(recipe)) {
    judges.reward = await openOwnJudge(recipe, around);
  }
  if (options.prompts === undefined) {
    const gold = await openGold({ ...recipe, gold: recipe.gold ?? recipe.world }, around);
    if (gold) judges.gold = gold;
  }
  if (Object.keys(judges).length > 0) return judges;
  throw new UsageError(
    `${run} was trained without a reward; name a judge with --reward_models or --judge, or leave ` +
      '--thought_prompts out',
  );
}
