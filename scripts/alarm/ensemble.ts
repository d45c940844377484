/**
 * Would an ensemble of reward heads see the hacking (Coste et al. 2023, arXiv 2310.02743; heads that share a
 * trunk as in Osband et al. 2016, arXiv 1602.04621)? Each head is fitted to a bootstrap sample of preference pairs,
 * over the reward model's last hidden state; where they disagree, the pairs say little about a response.
 */
import type { PreferenceGroup } from '../../src/rl/data/dataset.ts';
import { fitLogistic } from '../../src/rl/evaluation/logistic.ts';
import { Random } from '../../src/rl/random.ts';
import type { RewardModel } from '../../src/rl/rewards/reward-model.ts';
import type { JudgedText } from '../../src/rl/rewards/reward.ts';
import { mean, std } from '../../src/rl/statistics.ts';

const HEADS = 8;
/** Directions in which all pairs agree must not grow without bound. */
const RIDGE = 1;

export interface Ensemble {
  heads: number[][];
  /** The mean hidden state over the responses of the pairs, where every head gives 0: scores have no zero. */
  centre: number[];
}

/** The last hidden states of texts [texts][hidden]: a score head that is a unit vector reads one of their numbers. */
export async function hiddenStates(
  reward: RewardModel,
  texts: readonly JudgedText[],
): Promise<number[][]> {
  const { model } = reward;
  const head = model.weights.block('score');
  const size = model.config.hiddenSize;
  const columns: number[][] = [];
  for (let i = 0; i < size; i++) {
    const unit = new Float32Array(size);
    unit[i] = 1;
    model.gpu.upload(head, unit);
    columns.push(await reward.score(texts));
  }
  return texts.map((_, row) => columns.map((column) => column[row]!));
}

/** @param states the hidden state of each response of each group */
export function fitEnsemble(
  groups: readonly PreferenceGroup[],
  states: readonly (readonly number[][])[],
  seed = 0,
): Ensemble {
  const size = states[0]![0]!.length;
  const all = states.flat();
  return {
    heads: Array.from({ length: HEADS }, (_, head) => {
      const random = new Random(seed, `head ${head}`);
      const drawn = groups.map(() => random.below(groups.length));
      const differences = drawn.flatMap((g) =>
        groups[g]!.pairs.map(([chosen, rejected]) =>
          states[g]![chosen]!.map((value, i) => value - states[g]![rejected]![i]!),
        ),
      );
      return fitLogistic(
        differences,
        differences.map(() => 1),
        RIDGE,
      );
    }),
    centre: Array.from({ length: size }, (_, i) => mean(all.map((state) => state[i]!))),
  };
}

/** The standard deviation of the heads' scores of a response, averaged over responses. */
export function disagreement(
  { heads, centre }: Ensemble,
  states: readonly (readonly number[])[],
): number {
  return mean(
    states.map((state) =>
      std(heads.map((head) => head.reduce((sum, w, i) => sum + w * (state[i]! - centre[i]!), 0))),
    ),
  );
}
