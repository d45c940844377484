/** What the Learn panel says: short chapters, each tied to the numbers of the step on view. */
import { generalizedAdvantages } from '../../rl/objectives/ppo.ts';
import { dpoLoss } from '../../rl/objectives/dpo.ts';
import type { StepReport } from '../../rl/report.ts';
import { formatCompact, formatNumber, formatShare } from '../format.ts';
import { letter } from '../group/letters.ts';
import { pairLogps } from '../stepper/pair-logps.ts';
import type { UpdateOptions } from '../stepper/update-options.ts';

export type ChapterName =
  'objective' | 'reward-model' | 'advantage' | 'clipped-loss' | 'kl' | 'gae' | 'dpo';

/** What a chapter's numbers are taken from. */
interface Context {
  report: StepReport | undefined;
  options: UpdateOptions;
}

/** A formula filled with numbers, and what they are. */
export interface LiveNumbers {
  formula: string;
  values: Readonly<Record<string, string>>;
  note: string;
}

interface Chapter {
  name: ChapterName;
  title: string;
  before: string;
  formulas: readonly string[];
  after: string;
  /** Undefined where the step on view has no such numbers. */
  live?: (context: Context) => LiveNumbers | undefined;
}

export const chapters: readonly Chapter[] = [
  {
    name: 'objective',
    title: 'What is being trained',
    before:
      'Given a prompt x, the model π writes a thought z and then a response y. A judge r scores the response. Training looks for the weights θ that make the mean score as high as possible.',
    formulas: ['objective'],
    after:
      'The judge gets x and y, never z. Nobody says what a good thought is: a thought is good if good responses follow it. This is RL with model-rewarded thinking, RLMT (Bhaskar, Ye and Chen, 2025).',
  },
  {
    name: 'reward-model',
    title: 'Where rewards come from',
    before:
      'For people it is hard to give a response a score, and easy to say which of two responses they like better. A reward model learns scores that explain such choices (Bradley and Terry, 1952): the larger the difference between two scores, the surer the choice.',
    formulas: ['bradley-terry', 'bradley-terry-loss'],
    after:
      'Only differences count, so zero has no special meaning: −0.4 can be a good score. A reward model is itself only a model. Where it is wrong, the trained model learns to exploit it.',
    live: bradleyTerryNow,
  },
  {
    name: 'advantage',
    title: 'GRPO’s advantage',
    before:
      'The model tries one prompt G times. What counts is not a try’s reward but how it compares with its group: its distance from the mean, in standard deviations.',
    formulas: ['advantage'],
    after:
      'A try with an advantage above 0 becomes likelier, one below 0 less likely. If all tries are equally good, all advantages are 0 and the group teaches nothing. The 0.0001 only prevents a division by zero.',
    live: advantageNow,
  },
  {
    name: 'clipped-loss',
    title: 'Small steps: the clipped loss',
    before:
      'A token’s ratio says how much likelier it is now than when it was written. The loss pushes it up or down by the advantage, but only inside the clip range: tries of an older model say little about a model far from it.',
    formulas: ['ratio', 'clipped-loss'],
    after:
      'At the first update every ratio is 1. The advantages of a group add up to 0, so the loss is 0 as well. This does not mean that nothing is learned: what counts is the slope of the loss.',
    live: clippingNow,
  },
  {
    name: 'kl',
    title: 'Staying near the start: KL',
    before:
      'The KL divergence says how far the model has drifted from the reference, the model that training began with. Ponder estimates it for each token with k₃, which is never negative and correct on average (Schulman, 2020).',
    formulas: ['k3'],
    after:
      'The loss adds it, multiplied by beta. Without it, a model may find phrases that please the judge and nobody else. This is called reward hacking.',
    live: klNow,
  },
  {
    name: 'gae',
    title: 'PPO’s advantage: GAE',
    before:
      'PPO asks for every token: did things turn out better than expected? A value model V predicts the rewards still to come; δ is the surprise at one token. Generalised advantage estimation passes each surprise back to the tokens before it (Schulman et al., 2015).',
    formulas: ['gae'],
    after:
      'λ sets how far back. At λ = 0 a token gets only its own surprise; at λ = 1 it gets all that follow. GRPO needs no value model: the group’s mean takes its place.',
    live: gaeNow,
  },
  {
    name: 'dpo',
    title: 'DPO: learning from pairs',
    before:
      'Direct preference optimisation needs no rewards in its loss, only a better and a worse try. It widens the margin between them, measured against the reference (Rafailov et al., 2023).',
    formulas: ['dpo'],
    after:
      'Here the judge picks the pair: the best and the worst of a group. Once the model is sure of a pair, the sigmoid is flat and the pair has almost no effect.',
    live: dpoNow,
  },
];

/** After a minus sign, a negative number stands in brackets. */
function bracketed(value: number): string {
  return value < 0 ? `(${formatNumber(value)})` : formatNumber(value);
}

function bradleyTerryNow({ report }: Context): LiveNumbers | undefined {
  const [first, second] = report?.group?.samples ?? [];
  if (!first || !second) return undefined;
  const probability = 1 / (1 + Math.exp(second.reward - first.reward));
  return {
    formula: 'bradley-terry-values',
    values: {
      first: formatNumber(first.reward),
      second: bracketed(second.reward),
      probability: formatShare(probability),
    },
    note: 'How sure the judge is that A beats B, in the group on view',
  };
}

function advantageNow({ report, options }: Context): LiveNumbers | undefined {
  const group = report?.group;
  if (!group || options.algorithm !== 'grpo' || options.scaleRewards !== 'group') return undefined;
  const rewards = group.samples.map(({ reward }) => reward);
  const best = rewards.indexOf(Math.max(...rewards));
  return {
    formula: 'advantage-values',
    values: {
      number: letter(best),
      reward: formatNumber(rewards[best]),
      mean: bracketed(group.mean),
      std: formatNumber(group.std),
      advantage: formatNumber(group.samples[best]!.advantage, 2, true),
    },
    note: 'The best try of the group on view',
  };
}

function clippingNow({ options: { algorithm, grpo, ppo } }: Context): LiveNumbers | undefined {
  if (algorithm !== 'grpo' && algorithm !== 'ppo') return undefined;
  const [below, above, beta] =
    algorithm === 'ppo'
      ? [ppo.cliprange, ppo.cliprange, ppo.klIn === 'loss' ? ppo.klCoef : 0]
      : [grpo.epsilon, grpo.epsilonHigh, grpo.beta];
  return {
    formula: 'clipped-loss-values',
    values: {
      low: formatNumber(1 - below),
      high: formatNumber(1 + above),
      beta: formatCompact(beta),
    },
    note: 'In this run’s recipe',
  };
}

function klNow({ report }: Context): LiveNumbers | undefined {
  const kl = report?.metrics['kl'] ?? report?.metrics['objective/kl'];
  if (kl === undefined) return undefined;
  return {
    formula: 'k3-values',
    values: { kl: formatCompact(kl) },
    note: `Mean over the tokens of step ${report!.metrics.step}`,
  };
}

function gaeNow({ report, options: { ppo } }: Context): LiveNumbers | undefined {
  const trace = report?.group?.samples[0]?.trace;
  const reward = trace?.reward?.at(-1);
  const value = trace?.value?.at(-1);
  if (reward === undefined || value === undefined) return undefined;
  const [delta] = generalizedAdvantages([reward], [value], ppo.gamma, ppo.lambda);
  return {
    formula: 'gae-values',
    values: {
      reward: formatNumber(reward),
      value: bracketed(value),
      delta: formatNumber(delta, 2, true),
    },
    note: 'The last token of try A of the group on view',
  };
}

function dpoNow({ report, options: { grpo } }: Context): LiveNumbers | undefined {
  const group = report?.group;
  const logps = group?.pair && pairLogps(group, group.pair);
  if (!logps) return undefined;
  const { loss, chosenRewards, rejectedRewards } = dpoLoss([logps], grpo.beta, 1);
  return {
    formula: 'dpo-values',
    values: {
      margin: formatNumber(chosenRewards - rejectedRewards, 3, true),
      loss: formatNumber(loss, 3),
    },
    note: 'The pair of the group on view',
  };
}
