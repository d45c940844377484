import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openNodeGpu } from '../gpu/node.ts';
import type { Evaluated } from '../rl/evaluation/evaluate.ts';
import { alarmOf } from '../rl/evaluation/alarm.ts';
import { lengthsOverTraining, trainingCost } from '../rl/evaluation/analysis.ts';
import { divergence, fitGoldCurve, rewardAndGold } from '../rl/evaluation/overoptimisation.ts';
import { judgedTraits, ruleTraits, traitChanges } from '../rl/evaluation/traits.ts';
import type { MetricsRow } from '../rl/report.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import { openPromptedJudge } from '../app/opening/rewards.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { judgingOptions } from './judging.ts';
import { openAt } from './open.ts';
import { readEvaluations, readRows, readRun } from './run-files.ts';
import { cells, csv, table, type Table } from './text.ts';
import { thoughtTable } from './thought-table.ts';
import { writeResult } from './write-result.ts';

/** Of an output of TRL or verl that Ponder did not hand over. */
const NO_RECIPE = 'came without the recipe of the run, so its rewards and prompts are unknown';

export const analyze = defineCommand({
  name: 'analyze',
  positionals: {
    RUN: 'Folder of a run, a folder that TRL or verl wrote, or a JSONL file of completions.',
  },
  summary:
    'Shows what training changed: lengths, traits of thoughts, reward against gold, what the thought contributes, cost.',
  options: {
    before: {
      type: 'text',
      optional: true,
      help: 'File of completions before training, as `eval --out` writes it; needed if RUN is such a file too.',
    },
    judge: {
      type: 'text',
      optional: true,
      help: 'Folder of an instruct model that judges traits and responses; without it, rules find the traits.',
    },
    judge_prompt: judgingOptions.judge_prompt,
    thought_prompts: {
      type: 'integer',
      default: 0,
      min: 0,
      help: 'Number of prompts on which thoughts are swapped, cut and removed, with the last checkpoint of RUN; 0 skips this.',
    },
    prompts: {
      type: 'text',
      optional: true,
      help: 'JSONL file of prompts for --thought_prompts, in the formats of eval; without it, the held-out prompts of the run.',
    },
    reward_models: judgingOptions.reward_models,
    out: { type: 'text', optional: true, help: 'Folder for the tables as CSV files.' },
  },
  notes:
    'Train the run with `eval_strategy: steps`; its evaluations before the first step and at the end ' +
    'are then compared.\nThoughts are judged by the rewards of the run, with their weights, or in place of them ' +
    'by --reward_models and --judge.',
  async run({ positionals: [path = ''], options }) {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => {
        throw new UsageError(`${path} does not exist; name the folder of a run, or a JSONL file`);
      },
    );
    const tables: Record<string, Table> = {};
    if (isFolder) {
      const run = await readRun(path);
      if (run.notice !== undefined) process.stderr.write(`${path}: ${run.notice}\n`);
      tables.lengths = lengthTable(run.metrics);
      tables.reward_and_gold = goldTable(run.metrics);
      tables.alarm = alarmTable(run.metrics, run.recipe);
      if (run.recipe) tables.cost = costTable(run.metrics, run.recipe);
      const pair = await readEvaluations(path);
      if (pair) tables.traits = await traitTable(pair[0], pair[1], options.judge);
      if (options.thought_prompts > 0) {
        if (!run.recipe) throw new UsageError(`${path} ${NO_RECIPE}; leave --thought_prompts out`);
        tables.thought_effect = await thoughtTable(path, run.recipe, options);
      }
    } else {
      if (options.before === undefined) {
        throw new UsageError(
          `${path} is a file of completions; name the file from before training with --before`,
        );
      }
      const [before, after] = [await readRows(options.before), await readRows(path)];
      tables.traits = await traitTable(before, after, options.judge);
    }
    if (options.out !== undefined) {
      for (const [name, rows] of Object.entries(tables)) {
        await writeResult(join(options.out, `${name}.csv`), csv(rows));
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
    ...[from, to, thought ?? '', response ?? '', tokens],
  ]);
  return [['from_step', 'to_step', 'thought_words', 'response_words', 'tokens'], ...rows];
}

/** Over-optimisation in one row; only the header if the run has no gold judge. */
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

/** Suspected reward hacking in one row, without gold; only the header if there is none. */
function alarmTable(metrics: readonly MetricsRow[], recipe: Recipe | undefined): Table {
  const judge = recipe?.gold !== undefined && recipe.gold !== recipe.world ? 'gold' : undefined;
  const alarm = alarmOf(metrics, judge);
  const rows = alarm ? [[alarm.step, alarm.signs.join(' ')]] : [];
  return [['looks_hacked_from_step', 'signs'], ...rows];
}

function costTable(metrics: readonly MetricsRow[], recipe: Recipe): Table {
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
    throw new UsageError(
      'the completions before and after training must answer the same prompts in the same order; ' +
        'evaluate both with the same prompts and seed',
    );
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
