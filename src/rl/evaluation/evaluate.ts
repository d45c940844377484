/**
 * How good a policy is on prompts that it was not trained on: one sampled completion for each, judged
 * by reward models and by the gold utility if there is one.
 */
import type { LanguageModel } from '../../model/language-model.ts';
import { drawnLength } from '../../model/sequences.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { mean } from '../statistics.ts';
import type { Prompt } from '../data/dataset.ts';
import { wordCount } from './completion-metrics.ts';
import type { GoldJudge, JudgedText, Reward } from '../rewards/reward.ts';
import type { EvaluationSample } from '../report.ts';
import type { RolloutGroup, RolloutOptions } from '../rollout/rollout.ts';
import { sampleCompletions } from '../rollout/sample.ts';

/** One judged completion. */
export interface Evaluated {
  prompt: string;
  thought: string | null;
  response: string;
  /** Scores by name of the judge. */
  rewards: Record<string, number>;
  gold?: number;
  /** Share of the thought's checkable statements that are true. */
  thought_truth?: number;
  well_formed: boolean;
  /** Absent in a run that another trainer wrote. */
  truncated?: boolean;
  /** The thought was closed for the policy (max_thought_length). */
  thought_cut?: true;
  /** Tokens of the whole completion, without forced ones; absent in older files. */
  tokens?: number;
  /** Only in a run: the weighted sum of its rewards. */
  reward?: number;
}

export async function evaluate(
  policy: { model: LanguageModel; tokenizer: Tokenizer },
  asked: readonly Prompt[],
  options: Omit<RolloutOptions, 'samplesPerPrompt'>,
  judges: Readonly<Record<string, Reward>>,
  gold?: GoldJudge,
  onProgress?: (promptsDone: number) => void,
): Promise<Evaluated[]> {
  const groups = await sampleCompletions(
    policy.model,
    policy.tokenizer,
    asked.map(({ prompt }) => prompt),
    { ...options, samplesPerPrompt: 1 },
    onProgress,
  );
  return judgeCompletions(groups, asked, (texts) => scoreByName(judges, texts), gold);
}

/** The scores of each text by the name of the judge. */
export async function scoreByName(
  judges: Readonly<Record<string, Reward>>,
  texts: readonly JudgedText[],
): Promise<Pick<Evaluated, 'rewards'>[]> {
  const names = Object.keys(judges);
  const rows = await Promise.all(names.map((name) => judges[name]!.score(texts)));
  return texts.map((_, i) => ({
    rewards: Object.fromEntries(names.map((name, k) => [name, rows[k]![i]!])),
  }));
}

/** Judges the only sample of every group; `judge` returns the scores of each text. */
export async function judgeCompletions(
  groups: readonly RolloutGroup[],
  asked: readonly Prompt[],
  judge: (texts: readonly JudgedText[]) => Promise<Pick<Evaluated, 'rewards' | 'reward'>[]>,
  gold?: GoldJudge,
): Promise<Evaluated[]> {
  const samples = groups.map(({ prompt, samples: [sample] }) => ({ prompt, ...sample! }));
  const texts = samples.map(({ response }, i) => ({ ...asked[i]!, response }));
  const [golds, scores] = await Promise.all([gold?.score(texts), judge(texts)]);
  return samples.map(({ prompt, thought, response, wellFormed, finished, ids, forced }, i) => {
    const truth = thought === null ? undefined : gold?.thoughtTruth?.(prompt, thought);
    return {
      prompt,
      thought,
      response,
      ...scores[i]!,
      ...(golds && { gold: golds[i]! }),
      ...(truth !== undefined && { thought_truth: truth }),
      well_formed: wellFormed,
      truncated: !finished,
      ...(forced && { thought_cut: true as const }),
      tokens: drawnLength({ ids, ...(forced && { forced }) }),
    };
  });
}

/** Number of completions of an evaluation that the page shows and a recorded run has. */
export const SHOWN = 8;

export function shownEvaluation(rows: readonly Evaluated[]): EvaluationSample[] {
  return rows.slice(0, SHOWN).map((row) => ({
    prompt: row.prompt,
    thought: row.thought,
    response: row.response,
    wellFormed: row.well_formed,
    ...(row.truncated !== undefined && { truncated: row.truncated }),
    reward: row.reward ?? Object.values(row.rewards)[0] ?? 0,
    ...(row.gold !== undefined && { gold: row.gold }),
  }));
}

/** Means over the rows; lengths are in words. */
export function summarizeEvaluation(rows: readonly Evaluated[]): Record<string, number> {
  const truths = rows.flatMap((row) => row.thought_truth ?? []);
  const golds = rows.flatMap((row) => row.gold ?? []);
  const tokens = rows.flatMap((row) => row.tokens ?? []);
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
    ...(tokens.length > 0 && { mean_length: mean(tokens) }),
    mean_thought_length: mean(rows.map((row) => wordCount(row.thought))),
    mean_response_length: mean(rows.map((row) => wordCount(row.response))),
    malformed_ratio: mean(rows.map((row) => (row.well_formed ? 0 : 1))),
    ...(rows.some((row) => row.thought_cut) && {
      clipped_thought_ratio: mean(rows.map((row) => (row.thought_cut ? 1 : 0))),
    }),
    truncated_ratio: mean(rows.map((row) => (row.truncated ? 1 : 0))),
  };
}
