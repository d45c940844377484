/**
 * The first part of a step of every algorithm that samples: write G completions for each prompt, and
 * score the responses. They are written in parts, and a part is scored while the next is written.
 */
import type { BatchLimits } from '../../model/batch-runner.ts';
import type { DecoderLimits } from '../../model/decoder-ops.ts';
import { Decoder } from '../../model/decoder.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import { drawnLength } from '../../model/sequences.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { fractionZeroStd } from '../objectives/advantages.ts';
import { mean, std } from '../statistics.ts';
import { take, type Prompt, type Source } from '../data/dataset.ts';
import { EVALUATION_SEED, fixedEvaluation, type StepEvaluation } from '../evaluation/fixed.ts';
import { completionMetrics } from '../evaluation/completion-metrics.ts';
import { replaceDead } from './fresh-groups.ts';
import type { Group, TokenTrace } from '../report.ts';
import { Random } from '../random.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { GoldJudge } from '../rewards/reward.ts';
import {
  promptTokens,
  rollOut,
  rolloutOptions,
  tokenizePrompts,
  type RolloutGroup,
} from '../rollout/rollout.ts';
import { SOFT_OVERLONG, softOverlongPunishment } from '../rewards/overlong.ts';
import {
  checkSpread,
  type WeightedRewards,
  type WeightedScore,
} from '../rewards/weighted-rewards.ts';

/** The source of the prompts, and the judges of their completions. */
export interface RolloutParts {
  tokenizer: Tokenizer;
  prompts: Source<Prompt>;
  rewardFunctions: WeightedRewards;
  gold?: GoldJudge;
  /** Held-out prompts for `evaluate`; without them there is no evaluation. */
  evaluationPrompts?: readonly Prompt[] | undefined;
}

/** A group with its scores. */
export interface ScoredGroup extends RolloutGroup {
  /** The rewards of each completion by name, without weights. */
  rewards: Record<string, number>[];
  /** Their weighted sum for each completion, which training uses. */
  reward: number[];
  /** For evaluation only. */
  golds?: number[];
}

/** The size limits of one sampling batch. */
export function rolloutLimits(recipe: Recipe): DecoderLimits {
  const perBatch = recipe.per_device_train_batch_size;
  return {
    maxSequences: perBatch,
    maxPromptTokens: (perBatch / recipe.num_generations) * recipe.max_prompt_length,
    maxNewTokens: recipe.max_completion_length,
  };
}

/** The size limits of one training batch: the completions of one sampling batch. */
export function updateLimits(recipe: Recipe): BatchLimits {
  const { maxSequences, maxPromptTokens, maxNewTokens } = rolloutLimits(recipe);
  const maxTargets = maxSequences * maxNewTokens;
  const recompute = recipe.gradient_checkpointing;
  return { maxTokens: maxPromptTokens + maxTargets, maxTargets, recompute };
}

export class RolloutWriter {
  /** Evaluates on the held-out prompts; absent if there are none. */
  readonly evaluate?: () => Promise<StepEvaluation>;
  /** Prompts that dynamic sampling drew in the last step. */
  private drawn = 0;

  private constructor(
    private readonly recipe: Recipe,
    private readonly parts: RolloutParts,
    private readonly decoder: Decoder,
  ) {
    const { evaluationPrompts: prompts } = parts;
    if (prompts) this.evaluate = () => fixedEvaluation(recipe, parts, prompts, decoder);
  }

  /** @param policy that writes the completions; every step uses its current weights */
  static async create(
    recipe: Recipe,
    policy: LanguageModel,
    parts: RolloutParts,
  ): Promise<RolloutWriter> {
    return new RolloutWriter(recipe, parts, await Decoder.create(policy, rolloutLimits(recipe)));
  }

  /**
   * The scored groups of step `step` (0-based), in the order of their prompts. Rejects as the scoring
   * does: the part that is being written then is given up.
   */
  async write(step: number, onDetail?: (detail: string) => void): Promise<ScoredGroup[]> {
    const { recipe, parts } = this;
    const perPart = recipe.per_device_train_batch_size / recipe.num_generations;
    const partCount = recipe.gradient_accumulation_steps;
    const perStep = perPart * partCount;
    const scored: Promise<ScoredGroup[]>[] = [];
    const failed = new AbortController();
    const options = rolloutOptions(recipe, recipe.num_generations, recipe.seed);
    for (let part = 0; part < partCount; part++) {
      const first = step * perStep + part * perPart;
      const done = part / partCount;
      const asked = take(parts.prompts, first, perPart);
      const prompts = asked.map(({ prompt }) => prompt);
      const groups = await rollOut(
        this.decoder,
        parts.tokenizer,
        tokenizePrompts(parts.tokenizer, prompts, options),
        options,
        first * recipe.num_generations,
        (share) => {
          failed.signal.throwIfAborted();
          const percent = Math.round(100 * (done + share / partCount));
          onDetail?.(`writing ${perStep * recipe.num_generations} completions (${percent}%)`);
        },
      );
      const scoring = this.score(groups, asked);
      // Nobody awaits it yet, and a rejection that nobody handles ends Node.
      scoring.catch((error: unknown) => failed.abort(error));
      scored.push(scoring);
    }
    onDetail?.('scoring the responses');
    const all = (await Promise.all(scored)).flat();
    const { groups, drawn } = await replaceDead(
      all,
      step,
      recipe.dynamic_sampling,
      async (fresh, attempt) => {
        onDetail?.(`writing for ${fresh.length} fresh prompts`);
        const own = rolloutOptions(recipe, recipe.num_generations, freshSeed(recipe, attempt));
        const written: ScoredGroup[] = [];
        for (let first = 0; first < fresh.length; first += perPart) {
          const members = fresh.slice(first, first + perPart);
          const asked = members.map(({ index }) => parts.prompts.at(index));
          const texts = asked.map(({ prompt }) => prompt);
          const tokenized = tokenizePrompts(parts.tokenizer, texts, own);
          const stream = (step * perStep + members[0]!.slot) * recipe.num_generations;
          const next = await rollOut(this.decoder, parts.tokenizer, tokenized, own, stream);
          written.push(...(await this.score(next, asked)));
        }
        return written;
      },
    );
    this.drawn = drawn;
    return groups;
  }

  private get closesThoughts(): boolean {
    return this.recipe.thinking && this.recipe.max_thought_length > 0;
  }

  /** In tokens. */
  promptLength({ prompt }: Prompt): number {
    const { thinking, system_prompt } = this.recipe;
    return promptTokens(this.parts.tokenizer, prompt, thinking, system_prompt).length;
  }

  /** A scored group for each held-out prompt: always with the same random numbers. They fill one part at most. */
  async writeHeldOut(asked: readonly Prompt[]): Promise<ScoredGroup[]> {
    const { recipe, parts } = this;
    const options = rolloutOptions(recipe, recipe.num_generations, EVALUATION_SEED);
    const prompts = tokenizePrompts(
      parts.tokenizer,
      asked.map(({ prompt }) => prompt),
      options,
    );
    return this.score(await rollOut(this.decoder, parts.tokenizer, prompts, options, 0), asked);
  }

  private async score(groups: RolloutGroup[], asked: readonly Prompt[]): Promise<ScoredGroup[]> {
    const { rewardFunctions, gold } = this.parts;
    const texts = groups.flatMap(({ samples }, g) =>
      samples.map(({ response }) => ({ ...asked[g]!, response })),
    );
    const [scores, golds] = await Promise.all([rewardFunctions.score(texts), gold?.score(texts)]);
    const perGroup = this.recipe.num_generations;
    return groups.map((group, g) => {
      const part = <T>(all: readonly T[]): T[] => all.slice(g * perGroup, (g + 1) * perGroup);
      const own = part(scores).map((score, i) =>
        this.punished(score, group.samples[i]!.ids.length),
      );
      checkSpread(own.map(({ reward }) => reward));
      return {
        ...group,
        rewards: own.map((score) => score.rewards),
        reward: own.map((score) => score.reward),
        ...(golds && { golds: part(golds) }),
      };
    });
  }

  /** The score with the punishment of an overlong completion, if the recipe has one. */
  private punished(score: WeightedScore, length: number): WeightedScore {
    const { max_completion_length: longest, soft_punish_cache: cache } = this.recipe;
    if (cache === 0) return score;
    const punishment = softOverlongPunishment(length, longest, cache);
    return {
      reward: score.reward + punishment,
      rewards: { ...score.rewards, [SOFT_OVERLONG]: punishment },
    };
  }

  /** A group for reports. `advantages` has one number per completion. */
  describe(
    group: ScoredGroup,
    advantages: readonly number[],
    traces?: readonly TokenTrace[],
  ): Group {
    return {
      prompt: group.prompt,
      mean: mean(group.reward),
      std: std(group.reward),
      samples: group.samples.map((sample, i) => ({
        completion: sample.text,
        thought: sample.thought,
        response: sample.response,
        wellFormed: sample.wellFormed,
        truncated: !sample.finished,
        tokens: drawnLength(sample),
        ...(this.closesThoughts && { thoughtCut: sample.forced !== undefined }),
        reward: group.reward[i]!,
        rewards: group.rewards[i]!,
        advantage: advantages[i]!,
        ...(traces && { trace: traces[i]! }),
        ...(group.golds && { gold: group.golds[i]! }),
      })),
    };
  }

  /** Metrics of rewards and completions under TRL's names. */
  metrics(groups: readonly ScoredGroup[], reports: readonly Group[]): Record<string, number> {
    const all = groups.map((g) => g.reward);
    const metrics: Record<string, number> = {
      reward: mean(all.flat()),
      reward_std: std(all.flat()),
      // PPO compares no completions, so it may have only one for each prompt.
      ...(this.recipe.algorithm !== 'ppo' && { frac_reward_zero_std: fractionZeroStd(all) }),
    };
    if (this.recipe.dynamic_sampling > 0) metrics['dynamic_sampling/fresh_prompts'] = this.drawn;
    const byName = groups.flatMap((g) => g.rewards);
    for (const name of Object.keys(byName[0] ?? {})) {
      const values = byName.map((rewards) => rewards[name]!);
      metrics[`rewards/${name}/mean`] = mean(values);
      metrics[`rewards/${name}/std`] = std(values);
    }
    return { ...metrics, ...completionMetrics(reports, this.parts.gold) };
  }

  destroy(): void {
    this.decoder.destroy();
  }
}

/** Another seed for each attempt, so that no random stream is used twice in a step. */
const freshSeed = ({ seed }: Recipe, attempt: number): number =>
  new Random(seed, `dynamic sampling ${attempt}`).uint32();

/** Number of token rows; a prompt counts once for each of its completions. */
export function countTokens(groups: readonly RolloutGroup[]): number {
  return groups
    .flatMap(({ promptIds, samples }) => samples.map(({ ids }) => promptIds.length + ids.length))
    .reduce((a, b) => a + b, 0);
}
