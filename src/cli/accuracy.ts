import { readFile } from 'node:fs/promises';
import { pairAccuracy, type PairAccuracy } from '../rl/evaluation/pair-accuracy.ts';
import type { PreferenceGroup } from '../rl/data/dataset.ts';
import { readLines, readPreference } from '../rl/data/rows.ts';
import type { Reward } from '../rl/rewards/reward.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { judgingOptions, openJudges } from './judging.ts';
import { nodeSurroundings } from './open.ts';
import { Progress } from './progress.ts';
import { table } from './text.ts';

/** Prompts that a judge reads at once, so that progress shows. */
const AT_ONCE = 8;

const { reward_models, judge, judge_prompt } = judgingOptions;

export const accuracy = defineCommand({
  name: 'accuracy',
  summary:
    'Shows how often reward models and judges prefer the response that was preferred in pairs of data.',
  options: {
    pairs: {
      type: 'text',
      help: 'JSONL file with rows {prompt, chosen, rejected} that no judge was trained on.',
    },
    reward_models,
    judge,
    judge_prompt,
  },
  async run({ options }) {
    const groups = await readPairs(options.pairs);
    const around = await nodeSurroundings();
    try {
      const judges = await openJudges(options, around);
      const result: Record<string, PairAccuracy> = {
        'length alone': pairAccuracy(
          groups,
          groups.map(({ responses }) => responses.map((text) => text.length)),
        ),
      };
      for (const [name, opened] of Object.entries(judges)) {
        result[name] = pairAccuracy(groups, await scoreAll(opened, groups));
      }
      return result;
    } finally {
      around.close();
    }
  },
  format: (result) =>
    table([
      ['judge', 'accuracy', '95% interval', 'pairs', 'prompts'],
      ...Object.entries(result).map(([name, { mean, low, high, pairs, prompts }]) => [
        name,
        mean.toFixed(3),
        `${low.toFixed(3)} to ${high.toFixed(3)}`,
        String(pairs),
        String(prompts),
      ]),
    ]),
});

async function readPairs(file: string): Promise<PreferenceGroup[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`${file} cannot be read; name a JSONL file with --pairs`);
  });
  const groups = readLines(text, readPreference).map(({ line, row, problem }) => {
    if (row === undefined) throw new UsageError(`${file}, line ${line}: ${problem}`);
    return row;
  });
  if (groups.length === 0) throw new UsageError(`${file} is empty; it must have one pair a line`);
  return groups;
}

/** The scores of the responses of every group. */
async function scoreAll(judge: Reward, groups: readonly PreferenceGroup[]): Promise<number[][]> {
  const progress = new Progress(groups.length);
  const scores: number[][] = [];
  while (scores.length < groups.length) {
    const part = groups.slice(scores.length, scores.length + AT_ONCE);
    const flat = await judge.score(
      part.flatMap(({ prompt, responses }) => responses.map((response) => ({ prompt, response }))),
    );
    let at = 0;
    for (const { responses } of part) scores.push(flat.slice(at, (at += responses.length)));
    progress.update(scores.length);
  }
  progress.clear();
  return scores;
}
