/**
 * What the thought contributes: the policy answers again after a given thought, with the same random
 * numbers each time. The thought is its own, that of another prompt, the first half of its own, or none.
 * If only the number of tokens before the response mattered, the thought of another prompt would do as well.
 */
import { Decoder } from '../../model/decoder.ts';
import { limitsThatFit } from '../../model/decoder-fit.ts';
import type { SamplingOptions } from '../../model/decoder-ops.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { splitCompletion, THINK_END, type Malformed } from '../rollout/completion.ts';
import type { Prompt } from '../data/dataset.ts';
import type { GoldJudge, Reward } from '../rewards/reward.ts';
import type { RolloutGroup } from '../rollout/rollout.ts';
import { tokenizerStops } from '../rollout/stop-tokens.ts';
import { hierarchicalBootstrap, type Interval } from './intervals.ts';
import { verdict } from './win-rate.ts';

const THOUGHT_VARIANTS = ['own', 'swapped', 'truncated', 'removed'] as const;
export type ThoughtVariant = (typeof THOUGHT_VARIANTS)[number];

/** A prompt and a well-formed completion of it, in tokens. */
interface ThoughtTokens extends Prompt {
  promptIds: readonly number[];
  /** The thought without the delimiter. */
  thoughtIds: readonly number[];
}

/** The thoughts of groups with one sample, in the order of `asked`; completions without a delimiter are left out. */
export function thoughtTokens(
  tokenizer: Tokenizer,
  groups: readonly RolloutGroup[],
  asked: readonly Prompt[],
): ThoughtTokens[] {
  return groups.flatMap(({ promptIds, samples: [sample] }, g) => {
    if (!sample?.wellFormed || sample.thought === null) return [];
    const length = sample.ids.findIndex((_, i) =>
      tokenizer.decode(sample.ids.slice(0, i + 1)).includes(THINK_END),
    );
    // If the delimiter has several tokens, the thought ends before its first one.
    const delimiter = tokenizer.encode(THINK_END).length;
    const thoughtIds = sample.ids.slice(0, length + 1 - delimiter);
    return [{ ...asked[g]!, promptIds, thoughtIds }];
  });
}

/** The tokens before the response in each variant; `swapped` has the thought of the next prompt. */
export function forcedPrefixes(
  thoughts: readonly ThoughtTokens[],
  variant: ThoughtVariant,
  delimiter: readonly number[],
): number[][] {
  return thoughts.map(({ promptIds, thoughtIds }, i) => {
    const other = thoughts[(i + 1) % thoughts.length]!.thoughtIds;
    const forced = {
      own: thoughtIds,
      swapped: other,
      truncated: thoughtIds.slice(0, Math.floor(thoughtIds.length / 2)),
      removed: [],
    }[variant];
    return [...promptIds, ...forced, ...delimiter];
  });
}

export interface ThoughtEffect {
  variant: ThoughtVariant;
  /** Mean score of the responses, by judge. */
  scores: Record<string, Interval>;
  /** Own thought minus this variant, prompt by prompt; absent for `own`. */
  loss?: Record<string, Interval>;
  /** How often the response after the own thought is better; ties count half. */
  winRateOfOwn?: Record<string, Interval>;
}

/** Writes and judges a response after every variant of every thought. */
export async function thoughtEffect(
  { model, tokenizer }: { model: LanguageModel; tokenizer: Tokenizer },
  thoughts: readonly ThoughtTokens[],
  sampling: SamplingOptions,
  malformed: Malformed,
  judges: Readonly<Record<string, Reward | GoldJudge>>,
  onProgress?: (variantsDone: number) => void,
): Promise<ThoughtEffect[]> {
  if (thoughts.length < 2) throw new RangeError('swapping thoughts needs at least two of them');
  const delimiter = tokenizer.encode(THINK_END);
  const scores = new Map<ThoughtVariant, Record<string, number[]>>();
  for (const variant of THOUGHT_VARIANTS) {
    const prefixes = forcedPrefixes(thoughts, variant, delimiter);
    const written = await continueFrom(model, prefixes, {
      ...sampling,
      stopIds: tokenizerStops(tokenizer),
    });
    const texts = thoughts.map(({ prompt, columns }, i) => {
      const text = THINK_END + tokenizer.decode(written[i]!);
      return {
        prompt,
        ...(columns && { columns }),
        response: splitCompletion(text, true, malformed).response,
      };
    });
    const rows = await Promise.all(
      Object.entries(judges).map(
        async ([name, judge]) => [name, await judge.score(texts)] as const,
      ),
    );
    scores.set(variant, Object.fromEntries(rows));
    onProgress?.(scores.size);
  }
  const own = scores.get('own')!;
  const each = (values: (name: string) => number[]): Record<string, Interval> =>
    Object.fromEntries(
      Object.keys(judges).map((name) => [name, hierarchicalBootstrap([values(name)])]),
    );
  return THOUGHT_VARIANTS.map((variant) => {
    const values = scores.get(variant)!;
    return {
      variant,
      scores: each((name) => values[name]!),
      ...(variant !== 'own' && {
        loss: each((name) => own[name]!.map((score, i) => score - values[name]![i]!)),
        winRateOfOwn: each((name) =>
          own[name]!.map((score, i) => verdict(score, values[name]![i]!)),
        ),
      }),
    };
  });
}

/** Largest number of sequences that are sampled at once. */
const BATCH = 128;

/** The model's text after each prefix, without the stop token. */
async function continueFrom(
  model: LanguageModel,
  prefixes: readonly (readonly number[])[],
  sampling: SamplingOptions,
): Promise<number[][]> {
  const { prompts: atOnce, limits } = limitsThatFit(model, Math.min(BATCH, prefixes.length), {
    longest: Math.max(...prefixes.map(({ length }) => length)),
    ...{ samplesPerPrompt: 1, maxNewTokens: sampling.maxNewTokens },
  });
  const decoder = await Decoder.create(model, limits);
  try {
    const written: number[][] = [];
    for (let first = 0; first < prefixes.length; first += atOnce) {
      const batch = prefixes.slice(first, first + atOnce);
      const streams = Uint32Array.from(batch, (_, i) => first + i);
      const groups = await decoder.generate(batch, 1, sampling, streams);
      for (const [generation] of groups) {
        const { ids, finished } = generation!;
        written.push(finished ? ids.slice(0, -1) : ids);
      }
    }
    return written;
  } finally {
    decoder.destroy();
  }
}
