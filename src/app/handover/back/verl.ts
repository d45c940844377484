/**
 * The folder that verl writes with `trainer.rollout_data_dir`: N.jsonl for each step, a row
 * {input, output, gts, score, step} for each completion (verl 0.9.1, ray_trainer.py,
 * `_write_generations`). The file of its logger `file` (rows {step, data}) has the other curves.
 */
import { parseJsonLines } from '../../../rl/data/json-lines.ts';
import { advantages, fractionZeroStd } from '../../../rl/objectives/advantages.ts';
import { mean, std } from '../../../rl/statistics.ts';
import { lineProblem } from './damage.ts';
import { readText } from './read-text.ts';
import type { Files, Returned, StepRows } from './returned.ts';
import { completionRows, grouped, mannerOf, NO_THOUGHTS, promptOf, type Written } from './rows.ts';
import { verlLog } from './verl-log.ts';

interface Rollout {
  input: string;
  output: string;
  /** null where it was not finite. */
  score: number | null;
  step: number;
  /** Of verl's newer trainer: SAMPLE_ROLLOUT_OUTPUT. */
  uid?: string;
}

/** undefined if the files are no output of verl */
export async function verlRun(files: Files): Promise<Returned | undefined> {
  const paths = new Map<number, string>();
  for (const path of files.keys()) {
    const [, step] = /^(\d+)\.jsonl$/.exec(path) ?? [];
    if (step !== undefined) paths.set(Number(step), path);
  }
  const steps = [...paths.keys()].sort((a, b) => a - b);
  const { metrics, damaged } = await verlLog(files);
  const some = await firstGroups(files, [...paths.values()]);
  // Files of that name need not be verl's.
  if (!some && metrics.length === 0) return undefined;
  const size = usualSize(some ?? []);
  const manner = mannerOf(
    undefined,
    (some ?? []).flat().map(({ output }) => output),
  );
  const read = async (step: number): Promise<StepRows> => {
    const path = paths.get(step)!;
    const { rollouts, reason } = await rolloutsIn(files, path);
    const groups = groupsOf(rollouts);
    // The mean and the deviation of half a group are not those that trained.
    const whole = reason === undefined ? groups : groups.filter(({ length }) => length >= size);
    const scored = whole.map((group) => group.filter(isScored)).filter(({ length }) => length > 0);
    const rewards = scored.map((group) => group.map(({ score }) => score));
    const lost = `step ${step} ${scored.length > 0 ? 'lacks these completions and their groups' : 'has no completions'}`;
    return {
      completions: completionRows(
        scored.flatMap((group) => writtenOf(group, step)),
        manner,
      ),
      ...(scored.length > 0 && {
        metrics: {
          reward: mean(rewards.flat()),
          reward_std: mean(rewards.map(std)),
          frac_reward_zero_std: fractionZeroStd(rewards),
        },
      }),
      unscored: whole.flat().length - scored.flat().length,
      ...(reason !== undefined && { damaged: [{ path, reason, lost }] }),
    };
  };
  return {
    trainer: 'verl',
    recipe: {
      algorithm: 'grpo',
      ...(some && { num_generations: size, thinking: manner.thinking }),
      // The score has no name: this keeps it apart from the rewards of other runs.
      reward_funcs: ['verl'],
    },
    ...{ metrics, steps, read, damaged },
    lacks: [
      'verl wrote no advantages: those shown follow from the scores, as in GRPO.',
      'It wrote no lengths of completions and no numbers for single tokens.',
      ...(manner.thinking ? [] : [NO_THOUGHTS]),
      ...(metrics.length > 0 ? [] : ['Other curves are in the file of verl’s logger "file".']),
    ],
  };
}

/** The groups of the first file that is whole, or else of the first that has rollouts. */
async function firstGroups(
  files: Files,
  paths: readonly string[],
): Promise<Rollout[][] | undefined> {
  let damaged: Rollout[][] | undefined;
  for (const path of paths) {
    const { rollouts, reason } = await rolloutsIn(files, path);
    if (rollouts.length === 0) continue;
    if (reason === undefined) return groupsOf(rollouts);
    damaged ??= groupsOf(rollouts);
  }
  return damaged;
}

/** The size that most groups have; 0 if there are none. */
function usualSize(groups: readonly Rollout[][]): number {
  const sizes = groups.map(({ length }) => length);
  const count = (size: number): number => sizes.filter((other) => other === size).length;
  return sizes.reduce((best, size) => (count(size) > count(best) ? size : best), sizes[0] ?? 0);
}

const isRollout = ({ input, output, score }: Partial<Rollout>): boolean =>
  typeof input === 'string' &&
  typeof output === 'string' &&
  (typeof score === 'number' || score === null);

type Scored = Rollout & { score: number };
const isScored = (rollout: Rollout): rollout is Scored => rollout.score !== null;

/** `reason` is what is wrong with the file. */
async function rolloutsIn(
  files: Files,
  path: string,
): Promise<{ rollouts: Rollout[]; reason?: string }> {
  const { rows, damaged, cut } = parseJsonLines<Rollout>(await readText(files, path));
  const rollouts = rows.filter(isRollout);
  const foreign = rows.length - rollouts.length;
  if (rollouts.length === 0) {
    return { rollouts, reason: files.get(path)!.size === 0 ? 'it is empty' : 'it has no rollouts' };
  }
  const reason = lineProblem(damaged.length + foreign, cut);
  return { rollouts, ...(reason !== undefined && { reason }) };
}

/** Those of one prompt: verl may order a batch by length, so that they do not follow each other. */
const groupsOf = (rollouts: readonly Rollout[]): Rollout[][] =>
  grouped(rollouts, ({ uid, input }) => uid?.replace(/_\d+_\d+$/, '') ?? input);

function writtenOf(group: readonly Scored[], step: number): Written[] {
  const [scaled] = advantages([group.map(({ score }) => score)], 'group');
  return group.map(({ input, output, score }, i) => ({
    ...{ step, completion: output, reward: score, rewards: { score } },
    prompt: promptOf(input),
    advantage: scaled![i]!,
  }));
}
