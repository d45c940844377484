import { episodeTargets } from '../../src/rl/objectives/ppo.ts';
import type {
  EvaluationSample,
  Group,
  Sample,
  StepReport,
  TokenTrace,
} from '../../src/rl/report.ts';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import type { RecordedRun } from '../../src/rl/runs/record.ts';
import { syntheticRun } from './synthetic-run.ts';

const EVAL_STEPS = 8;

/** The synthetic run with numbers of every token, several rewards, pairs and evaluations. */
export function tracedRun(steps: number, recipe: RecipeValues): RecordedRun {
  const run = syntheticRun(steps, recipe);
  return { ...run, steps: run.steps.map((report) => traced(report, recipe['algorithm'])) };
}

/** The same, with groups for the held-out prompts in every step that is evaluated. */
export function followedRun(steps: number, recipe: RecipeValues): RecordedRun {
  const run = tracedRun(steps, recipe);
  return {
    ...run,
    steps: run.steps.map((report) => {
      const { evaluation, group } = report;
      if (!evaluation) return report;
      return { ...report, followed: evaluation.map(({ prompt }) => ({ ...group!, prompt })) };
    }),
  };
}

function traced(report: StepReport, algorithm: unknown): StepReport {
  const group = report.group!;
  const { step } = report.metrics;
  return {
    ...report,
    group: {
      ...group,
      samples: group.samples.map((sample, i) => ({
        ...sample,
        rewards: { reward_model: sample.reward, brevity: -i },
        trace: trace(sample, i, algorithm),
      })),
      ...(algorithm === 'dpo' && pairOf(group)),
    },
    ...(step % EVAL_STEPS === 0 && { evaluation: [0, 1].map((i) => evaluation(i, step)) }),
  };
}

function pairOf({ std }: Group): Pick<Group, 'pair'> {
  return std > 0 ? { pair: { chosen: 3, rejected: 0 } } : {};
}

function trace(sample: Sample, index: number, algorithm: unknown): TokenTrace {
  const words = `${sample.thought ?? ''} </think> ${sample.response}`.trim().split(' ');
  const text = [...words.map((word, t) => (t ? ` ${word}` : word)), ''];
  // Smooth, different for every token and sample, and the same every time.
  const wave = text.map((_, t) => (1 + Math.sin(1.7 * t + index)) / 2);
  const logp = wave.map((x) => -1.8 * x ** 3);
  const drift = wave.map((x) => 0.2 * (x - 0.4));
  const ref = logp.map((value, t) => value + drift[t]!);
  const after = logp.map((value, t) =>
    Math.min(-0.001, value + 0.06 * sample.advantage * wave[t]!),
  );
  const base = {
    text,
    logp,
    entropy: wave.map((x) => 1.4 * x),
    ref,
    kl: drift.map((difference) => Math.exp(difference) - difference - 1),
    after,
  };
  if (algorithm !== 'ppo') return base;
  const value = wave.map((x, t) => (sample.reward * (t + 1)) / text.length - 0.3 * x);
  const episode = { logp, refLogp: ref, values: value, score: sample.reward, finished: true };
  const [targets] = episodeTargets([episode], {
    klCoef: 0.05,
    klEstimator: 'k1',
    klIn: 'reward',
    whitenRewards: false,
    gamma: 1,
    lam: 0.95,
  });
  return {
    ...base,
    reward: [...targets!.tokenRewards],
    value,
    advantage: [...targets!.advantages],
  };
}

function evaluation(index: number, step: number): EvaluationSample {
  return {
    prompt: `menu rice ${index + 2} plums 3 ham 4 for ana veggie budget 8`,
    thought: `try rice ${index + 2} ok as of step ${step}`,
    response: `rice and plums , as of step ${step} .`,
    wellFormed: true,
    truncated: false,
    reward: step / 10 + index,
    gold: step / 20,
  };
}
