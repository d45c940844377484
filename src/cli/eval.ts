import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { loadCheckpoint } from '../model/adapted.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { evaluate, summarizeEvaluation } from '../rl/evaluate.ts';
import type { Reward } from '../rl/reward.ts';
import { UNFILTERED } from '../rl/sample.ts';
import { worldEvaluation } from '../rl/sources.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, nodeSurroundings, openAt } from './open.ts';
import { Progress } from './progress.ts';
import { table } from './text.ts';

export const evaluation = defineCommand({
  name: 'eval',
  summary: 'Judges one sampled completion for each prompt that training never sees.',
  options: {
    ...modelOption,
    ...baseOption,
    world: {
      type: 'choice',
      choices: ['meal-planner'],
      default: 'meal-planner',
      help: 'Where the prompts and the gold utility are from.',
    },
    split: {
      type: 'choice',
      choices: ['dev', 'held-out'],
      default: 'dev',
      help: 'dev is for tuning; held-out for the last judgement alone.',
    },
    num_prompts: { type: 'integer', default: 256, min: 1, help: 'Different prompts.' },
    reward_models: {
      type: 'text',
      optional: true,
      help: 'Folders of judges, separated by commas.',
    },
    thinking: { type: 'flag', default: true, help: 'Whether a thought comes first.' },
    malformed: {
      type: 'choice',
      choices: ['lenient', 'strict'],
      default: 'lenient',
      help: 'What is judged when the delimiter is missing.',
    },
    temperature: { type: 'number', default: 1, above: 0, max: 10, help: 'As in training.' },
    max_completion_length: { type: 'integer', default: 128, min: 1, help: 'Tokens at most.' },
    seed: { type: 'integer', default: 0, min: 0, help: 'Of the prompts and of the sampling.' },
    out: { type: 'text', optional: true, help: 'A JSONL file for every judged completion.' },
  },
  async run({ options }) {
    const around = await nodeSurroundings();
    try {
      const checkpoint = await openAt(options.model, options.base);
      const [model, tokenizer] = await Promise.all([
        loadCheckpoint(around.gpu, checkpoint),
        Tokenizer.load(checkpoint.tokenizer),
      ]);
      const { prompts, gold } = worldEvaluation(options.split, options.num_prompts, options.seed);
      const progress = new Progress(prompts.length);
      const rows = await evaluate(
        { model, tokenizer },
        prompts,
        {
          thinking: options.thinking,
          malformed: options.malformed,
          sampling: {
            temperature: options.temperature,
            ...UNFILTERED,
            seed: options.seed,
            maxNewTokens: options.max_completion_length,
          },
        },
        await openJudges(options.reward_models ?? '', (path) =>
          around.openReward(path, 'classifier'),
        ),
        gold,
        (done) => progress.update(done),
      );
      progress.clear();
      if (options.out !== undefined) {
        await writeFile(options.out, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      }
      return summarizeEvaluation(rows);
    } finally {
      around.close();
    }
  },
  format: (result) => table(Object.entries(result).map(([key, value]) => [key, value])),
});

/** Judges go by the names of their folders. */
async function openJudges(
  paths: string,
  open: (path: string) => Promise<Reward>,
): Promise<Record<string, Reward>> {
  const judges: Record<string, Reward> = {};
  for (const path of paths.split(',').filter(Boolean)) {
    const name = basename(resolve(path));
    if (name in judges) {
      throw new UsageError(`--reward_models names two folders called ${name}; rename one of them`);
    }
    judges[name] = await open(path);
  }
  return judges;
}
