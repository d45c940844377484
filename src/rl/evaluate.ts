/**
 * How good a policy is on prompts it was not trained on: one sampled completion for each, judged by
 * reward models and, where there is one, by the gold utility.
 */
import type { LanguageModel } from '../model/language-model.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { mean } from './advantages.ts';
import { wordCount } from './metrics.ts';
import type { GoldJudge, Reward } from './reward.ts';
import type { RolloutOptions } from './rollout.ts';
import { sampleCompletions } from './sample.ts';

/** One judged completion. */
export interface Evaluated {
  prompt: string;
  thought: string | null;
  response: string;
  /** By name of the judge. */
  rewards: Record<string, number>;
  gold?: number;
  /** Share of the thought's checkable statements that hold. */
  thought_truth?: number;
  well_formed: boolean;
  truncated: boolean;
}

export async function evaluate(
  policy: { model: LanguageModel; tokenizer: Tokenizer },
  prompts: readonly string[],
  options: Omit<RolloutOptions, 'samplesPerPrompt'>,
  judges: Readonly<Record<string, Reward>>,
  gold?: GoldJudge,
  onProgress?: (promptsDone: number) => void,
): Promise<Evaluated[]> {
  const groups = await sampleCompletions(
    policy.model,
    policy.tokenizer,
    prompts,
    { ...options, samplesPerPrompt: 1 },
    onProgress,
  );
  const samples = groups.flatMap(({ prompt, samples: [sample] }) =>
    sample ? [{ prompt, ...sample }] : [],
  );
  const scores = await Promise.all(
    Object.entries(judges).map(async ([name, judge]) => ({
      name,
      values: await judge.score(samples),
    })),
  );
  return samples.map(({ prompt, thought, response, wellFormed, finished }, i) => {
    const truth = thought === null ? undefined : gold?.thoughtTruth?.(prompt, thought);
    return {
      prompt,
      thought,
      response,
      rewards: Object.fromEntries(scores.map(({ name, values }) => [name, values[i] as number])),
      ...(gold && { gold: gold.utility(prompt, response) }),
      ...(truth !== undefined && { thought_truth: truth }),
      well_formed: wellFormed,
      truncated: !finished,
    };
  });
}

/** Means over the rows; lengths are in words. */
export function summarizeEvaluation(rows: readonly Evaluated[]): Record<string, number> {
  const truths = rows.flatMap((row) => row.thought_truth ?? []);
  const golds = rows.flatMap((row) => row.gold ?? []);
  return {
    prompts: rows.length,
    ...Object.fromEntries(
      Object.keys(rows[0]?.rewards ?? {}).map((name) => [
        `rewards/${name}`,
        mean(rows.map((row) => row.rewards[name] as number)),
      ]),
    ),
    ...(golds.length > 0 && { gold: mean(golds) }),
    ...(truths.length > 0 && { thought_truth: mean(truths) }),
    mean_thought_length: mean(rows.map((row) => wordCount(row.thought))),
    mean_response_length: mean(rows.map((row) => wordCount(row.response))),
    malformed_ratio: mean(rows.map((row) => (row.well_formed ? 0 : 1))),
    truncated_ratio: mean(rows.map((row) => (row.truncated ? 1 : 0))),
  };
}
