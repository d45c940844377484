/**
 * The folder that verl writes with `trainer.rollout_data_dir`: N.jsonl for each step, a row
 * {input, output, gts, score, step} for each completion (verl 0.9.1, ray_trainer.py,
 * `_write_generations`). The file of its logger `file` (rows {step, data}) has the other curves.
 */
import { parseJsonLines } from '../../../rl/data/json-lines.ts';
import { advantages, fractionZeroStd } from '../../../rl/objectives/advantages.ts';
import type { MetricsRow } from '../../../rl/report.ts';
import { mean, std } from '../../../rl/statistics.ts';
import { readText } from './read-text.ts';
import { ReturnError, type Files, type Returned } from './returned.ts';
import { completionRows, grouped, mannerOf, NO_THOUGHTS, promptOf, type Written } from './rows.ts';

interface Rollout {
  input: string;
  output: string;
  /** null where it was not finite. */
  score: number | null;
  step: number;
  /** Of verl's newer trainer: SAMPLE_ROLLOUT_OUTPUT. */
  uid?: string;
}

interface Logged {
  step: number;
  data: Record<string, unknown>;
}

/** verl's metrics by the names that TRL has for them. */
const METRICS: Readonly<Record<string, string>> = {
  'critic/score/mean': 'reward',
  'actor/pg_loss': 'loss',
  'actor/kl_loss': 'kl',
  'actor/entropy': 'entropy',
  'actor/entropy_loss': 'entropy',
  'actor/grad_norm': 'grad_norm',
  'actor/lr': 'learning_rate',
  'actor/pg_clipfrac': 'clip_ratio/region_mean',
  'response_length/mean': 'completions/mean_length',
  'response_length/min': 'completions/min_length',
  'response_length/max': 'completions/max_length',
  'response_length/clip_ratio': 'completions/clipped_ratio',
  'timing_s/step': 'step_time',
};

/** undefined if the files are no output of verl. @throws ReturnError if one of them is damaged */
export async function verlRun(files: Files): Promise<Returned | undefined> {
  const paths = new Map<number, string>();
  for (const path of files.keys()) {
    const [, step] = /^(\d+)\.jsonl$/.exec(path) ?? [];
    if (step !== undefined) paths.set(Number(step), path);
  }
  const ascending = [...paths.keys()].sort((a, b) => a - b);
  const rolloutsAt = (step: number): Promise<Rollout[]> => rolloutsIn(files, paths.get(step)!);
  const groupsAt = async (step: number): Promise<Written[][]> =>
    groupsOf((await rolloutsAt(step)).filter(isScored), step);
  const steps: number[] = [];
  let unscored = 0;
  const logged = await logOf(files);
  const metrics = new Map(logged);
  for (const step of ascending) {
    // Files of that name need not be verl's.
    if (steps.length === 0 && !(await areRollouts(files, paths.get(step)!))) continue;
    const rollouts = await rolloutsAt(step);
    const scored = rollouts.filter(isScored);
    unscored += rollouts.length - scored.length;
    const rewards = groupsOf(scored, step).map((group) => group.map(({ reward }) => reward));
    if (rewards.length === 0) continue;
    steps.push(step);
    metrics.set(step, {
      step,
      reward: mean(rewards.flat()),
      reward_std: mean(rewards.map(std)),
      frac_reward_zero_std: fractionZeroStd(rewards),
      ...metrics.get(step),
    });
  }
  const [first] = steps;
  if (first === undefined) return undefined;
  const some = await groupsAt(first);
  const manner = mannerOf(
    undefined,
    some.flat().map(({ completion }) => completion),
  );
  return {
    trainer: 'verl',
    recipe: {
      ...{ algorithm: 'grpo', num_generations: some[0]!.length, thinking: manner.thinking },
      // The score has no name: this keeps it apart from the rewards of other runs.
      reward_funcs: ['verl'],
    },
    metrics: [...metrics.values()].sort((a, b) => a.step - b.step),
    steps,
    read: async (step) => ({ completions: completionRows((await groupsAt(step)).flat(), manner) }),
    lacks: [
      'verl wrote no advantages: those shown follow from the scores, as in GRPO.',
      'It wrote no lengths of completions and no numbers for single tokens.',
      ...(manner.thinking ? [] : [NO_THOUGHTS]),
      ...(unscored > 0
        ? [`Completions without a finite score are left out: ${unscored.toLocaleString('en')}.`]
        : []),
      ...(logged.size > 0 ? [] : ['Other curves are in the file of verl’s logger "file".']),
    ],
  };
}

async function areRollouts(files: Files, path: string): Promise<boolean> {
  const { rows } = parseJsonLines<Rollout>(await readText(files, path));
  return rows.length > 0 && isRollout(rows[0]!);
}

const isRollout = ({ input, output, score }: Partial<Rollout>): boolean =>
  typeof input === 'string' &&
  typeof output === 'string' &&
  (typeof score === 'number' || score === null);

type Scored = Rollout & { score: number };
const isScored = (rollout: Rollout): rollout is Scored => rollout.score !== null;

async function rolloutsIn(files: Files, path: string): Promise<Rollout[]> {
  const { rows, damaged } = parseJsonLines<Rollout>(await readText(files, path));
  const line =
    damaged[0] ??
    (rows.every(isRollout) ? undefined : rows.findIndex((row) => !isRollout(row)) + 1);
  if (line !== undefined) {
    throw new ReturnError(`${path}, line ${line} is not a rollout of verl; copy the folder again.`);
  }
  return rows;
}

/** Those of one prompt: verl may order a batch by length, so that they do not follow each other. */
function groupsOf(rollouts: readonly Scored[], step: number): Written[][] {
  const keyOf = ({ uid, input }: Scored): string => uid?.replace(/_\d+_\d+$/, '') ?? input;
  return grouped(rollouts, keyOf).map((group) => {
    const [scaled] = advantages([group.map(({ score }) => score)], 'group');
    return group.map(({ input, output, score }, i) => ({
      ...{ step, completion: output, reward: score, rewards: { score } },
      prompt: promptOf(input),
      advantage: scaled![i]!,
    }));
  });
}

/** The rows of the logger's file, if it is there. */
async function logOf(files: Files): Promise<Map<number, MetricsRow>> {
  const metrics = new Map<number, MetricsRow>();
  for (const path of files.keys()) {
    if (!path.endsWith('.jsonl') || /^\d+\.jsonl$/.test(path)) continue;
    const { rows } = parseJsonLines<Partial<Logged>>(await readText(files, path));
    for (const { step, data } of rows) {
      if (typeof step !== 'number' || typeof data !== 'object') continue;
      const row = metrics.get(step) ?? { step };
      for (const [key, value] of Object.entries(data)) {
        if (typeof value === 'number' && Number.isFinite(value)) row[METRICS[key] ?? key] = value;
      }
      metrics.set(step, row);
    }
  }
  return metrics;
}
