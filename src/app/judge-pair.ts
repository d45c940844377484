/**
 * Judges compare a policy before and after training on the same held-out prompts, as `ponder compare` and
 * `ponder analyze` do.
 */
import { compareEvaluations, type Comparison } from '../rl/evaluation/compare.ts';
import { judgeCompletions, scoreByName, type Evaluated } from '../rl/evaluation/evaluate.ts';
import {
  thoughtEffect,
  thoughtTokens,
  type ThoughtEffect,
} from '../rl/evaluation/thought-effect.ts';
import {
  judgedTraits,
  ruleTraits,
  traitChanges,
  type TraitChange,
  type TraitValues,
} from '../rl/evaluation/traits.ts';
import type { Prompt } from '../rl/data/dataset.ts';
import type { PromptedJudge } from '../rl/rewards/prompted-judge.ts';
import type { GoldJudge, Reward } from '../rl/rewards/reward.ts';
import type { RolloutOptions } from '../rl/rollout/rollout.ts';
import { sampleCompletions } from '../rl/rollout/sample.ts';
import type { Policy } from './answer.ts';

/** What a visitor chose. */
export interface PairJudges {
  /** Largest number of held-out prompts. */
  prompts: number;
  /** Models that judge besides the run's rewards and its gold judge. */
  models: readonly { path: string; kind: 'classifier' | 'judge' }[];
  /** WildBench's K, in characters. */
  lengthMargin: number;
}

export interface PairProgress {
  doing: 'before' | 'after' | 'judges' | 'traits' | 'thoughts';
  done: number;
  of: number;
}

export interface JudgedPair {
  prompts: number;
  /** A judge is called `reward`, `gold`, or by the path of its model. */
  comparisons: Comparison[];
  /** Of the thoughts, by rules in the dinner world, and by an instruct model if one judges. */
  traits: TraitChange[];
  /** What the thought contributes after training; none if fewer than two thoughts ended. */
  effects: ThoughtEffect[];
  /** Number of prompts that `effects` are about. */
  thoughts: number;
}

interface OpenJudges {
  rewards: Readonly<Record<string, Reward>>;
  gold?: GoldJudge | undefined;
  /** Asked for traits of thoughts. */
  instruct?: Pick<PromptedJudge, 'ask'> | undefined;
}

/** The random numbers are the same for both policies, and for every thought that is tried. */
export async function judgePair(
  policies: Readonly<Record<'base' | 'trained', Policy>>,
  asked: readonly Prompt[],
  written: RolloutOptions,
  { rewards, gold, instruct }: OpenJudges,
  lengthMargin: number,
  onProgress: (progress: PairProgress) => void,
): Promise<JudgedPair> {
  const of = asked.length;
  const write = ({ model, tokenizer }: Policy, doing: 'before' | 'after') => {
    onProgress({ doing, done: 0, of });
    const prompts = asked.map(({ prompt }) => prompt);
    return sampleCompletions(model, tokenizer, prompts, written, (done) =>
      onProgress({ doing, done, of }),
    );
  };
  const groups = [
    await write(policies.base, 'before'),
    await write(policies.trained, 'after'),
  ] as const;
  onProgress({ doing: 'judges', done: 0, of: 2 });
  const rows: Evaluated[][] = [];
  for (const side of groups) {
    rows.push(await judgeCompletions(side, asked, (texts) => scoreByName(rewards, texts), gold));
    onProgress({ doing: 'judges', done: rows.length, of: 2 });
  }
  const [before, after] = rows as [Evaluated[], Evaluated[]];
  const { seed } = written.sampling;
  const comparisons = compareEvaluations(after, before, seed, lengthMargin);

  onProgress({ doing: 'traits', done: 0, of: 1 });
  const traits = traitChanges(await traitsOf(before, instruct), await traitsOf(after, instruct));

  const { tokenizer } = policies.trained;
  const thoughts = written.thinking ? thoughtTokens(tokenizer, groups[1], asked) : [];
  const judges = { ...rewards, ...(gold && { gold }) };
  const effects =
    thoughts.length < 2
      ? []
      : await thoughtEffect(
          ...([policies.trained, thoughts, written.sampling, written.malformed, judges] as const),
          (done) => onProgress({ doing: 'thoughts', done, of: 4 }),
        );
  return { prompts: of, comparisons, traits, effects, thoughts: thoughts.length };
}

async function traitsOf(
  rows: readonly Evaluated[],
  instruct: OpenJudges['instruct'],
): Promise<TraitValues[]> {
  const byRules = ruleTraits(rows);
  if (!instruct) return byRules;
  const judged = await judgedTraits(instruct, rows);
  return byRules.map((values, i) => ({ ...values, ...judged[i] }));
}
