import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openNodeGpu } from '../gpu/node.ts';
import type { Evaluated } from '../rl/evaluation/evaluate.ts';
import { lengthsOverTraining, trainingCost } from '../rl/evaluation/analysis.ts';
import { divergence, fitGoldCurve, rewardAndGold } from '../rl/evaluation/overoptimisation.ts';
import { judgedTraits, ruleTraits, traitChanges } from '../rl/evaluation/traits.ts';
import type { MetricsRow } from '../rl/report.ts';
import { openPromptedJudge } from '../app/opening/rewards.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { judgingOptions } from './judging.ts';
import { openAt } from './open.ts';
import { readEvaluations, readRows, readRun, type RunFacts } from './run-files.ts';
import { cells, csv, table, type Table } from './text.ts';
import { thoughtTable } from './thought-table.ts';

export const analyze = defineCommand({
  name: 'analyze',
  positionals: { RUN: 'The folder of a run, or a JSONL file of completions.' },
  summary:
    'What training changed: lengths, traits of thoughts, reward against gold, what the thought contributes, cost.',
  options: {
    before: {
      type: 'text',
      optional: true,
      help: 'Completions before training, as `eval --out` writes them, where RUN is such a file too.',
    },
    judge: {
      type: 'text',
      optional: true,
      help: 'Folder of an instruct model that is asked for traits, which are else read by rules, and whether responses are good.',
    },
    judge_prompt: judgingOptions.judge_prompt,
    thought_prompts: {
      type: 'integer',
      default: 0,
      min: 0,
      help: 'Prompts on which thoughts are swapped, cut and removed; needs the last checkpoint.',
    },
    prompts: {
      type: 'text',
      optional: true,
      help: 'A JSONL file of prompts for that, as eval takes it; without it what the run held out.',
    },
    reward_models: judgingOptions.reward_models,
    out: { type: 'text', optional: true, help: 'A folder for the tables as CSV files.' },
  },
  notes:
    'A run is best one with eval_strategy: steps: its evaluations before the first step and at the end ' +
    'are compared.\nThoughts are judged by what the run was trained against, its rewards with their weights, ' +
    'or by --reward_models and --judge in place of that.',
  async run({ positionals: [path = ''], options }) {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => {
        throw new UsageError(`${path} is not there; name the folder of a run, or a JSONL file`);
      },
    );
    const tables: Record<string, Table> = {};
    if (isFolder) {
      const run = await readRun(path);
      tables.lengths = lengthTable(run.metrics);
      tables.reward_and_gold = goldTable(run.metrics);
      tables.cost = costTable(run);
      const pair = await readEvaluations(path);
      if (pair) tables.traits = await traitTable(pair[0], pair[1], options.judge);
      if (options.thought_prompts > 0) {
        tables.thought_effect = await thoughtTable(path, run.recipe, options);
      }
    } else {
      if (options.before === undefined) {
        throw new UsageError(
          'a file of completions is compared with another; name it with --before',
        );
      }
      const [before, after] = [await readRows(options.before), await readRows(path)];
      tables.traits = await traitTable(before, after, options.judge);
    }
    if (options.out !== undefined) {
      await mkdir(options.out, { recursive: true });
      for (const [name, rows] of Object.entries(tables)) {
        await writeFile(join(options.out, `${name}.csv`), csv(rows));
      }
    }
    return asObjects(tables);
  },
  format: (result) =>
    Object.entries(result)
      .filter(([, rows]) => rows.length > 0)
      .map(([name, rows]) => {
        const [first] = rows as [Record<string, string | number>];
        const cells = rows.map((row) => Object.values(row).map(shown));
        return `${name.replaceAll('_', ' ')}\n${table([Object.keys(first), ...cells])}`;
      })
      .join('\n'),
});

function lengthTable(metrics: readonly MetricsRow[]): Table {
  const rows = lengthsOverTraining(metrics).map(({ from, to, thought, response, tokens }) => [
    ...[from, to, thought, response, tokens],
  ]);
  return [['from_step', 'to_step', 'thought_words', 'response_words', 'tokens'], ...rows];
}

/** Over-optimisation in one row, where the run has a gold judge. */
function goldTable(metrics: readonly MetricsRow[]): Table {
  const header = ['steps', 'diverged_at', 'seen_at', 'alpha', 'beta', 'best_kl'];
  const points = rewardAndGold(metrics);
  if (points.length === 0) return [header];
  const parted = divergence(points);
  const curve = fitGoldCurve(points);
  return [
    header,
    [
      ...[points.length, parted?.step ?? '', parted?.seenAt ?? ''],
      ...[curve?.alpha ?? '', curve?.beta ?? ''],
      curve?.best === undefined ? '' : curve.best ** 2,
    ],
  ];
}

function costTable({ metrics, recipe }: RunFacts): Table {
  const perStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  const cost = trainingCost(metrics, perStep);
  const keys = ['steps', 'seconds', 'trained_tokens', 'generated_tokens'] as const;
  return [[...keys], keys.map((key) => cost[key] ?? '')];
}

async function traitTable(
  before: readonly Evaluated[],
  after: readonly Evaluated[],
  judge: string | undefined,
): Promise<Table> {
  if (before.some(({ prompt }, i) => prompt !== after[i]?.prompt)) {
    throw new UsageError('the two files of completions must answer the same prompts in one order');
  }
  let changes;
  if (judge === undefined) changes = traitChanges(ruleTraits(before), ruleTraits(after));
  else {
    const gpu = await openNodeGpu();
    try {
      const asked = await openPromptedJudge(gpu, await openAt(judge));
      changes = traitChanges(await judgedTraits(asked, before), await judgedTraits(asked, after));
    } finally {
      gpu.close();
    }
  }
  return [
    ['trait', 'before', 'after', 'prompts', 'win_rate', 'low_95', 'high_95'],
    ...changes.map(({ trait, before: old, after: now, prompts, winRate }) => [
      ...[trait, old, now, prompts],
      ...cells(winRate),
    ]),
  ];
}

function asObjects(
  tables: Readonly<Record<string, Table>>,
): Record<string, Record<string, string | number>[]> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, [header = [], ...rows]]) => [
      name,
      rows.map((row) => Object.fromEntries(row.map((cell, i) => [String(header[i]), cell]))),
    ]),
  );
}

function shown(cell: string | number): string {
  return typeof cell === 'number' && !Number.isInteger(cell) ? cell.toFixed(3) : String(cell);
}
