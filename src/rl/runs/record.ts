/** Makes a recorded run from a run's folder: one group of every step, small enough to ship with the page. */
import { parseDocument } from 'yaml';
import { mean, std } from '../statistics.ts';
import { jsonObject, parseJsonLines } from '../data/json-lines.ts';
import { shownEvaluation, type Evaluated } from '../evaluation/evaluate.ts';
import type { Group, MetricsRow, Sample, StepReport, TokenTrace } from '../report.ts';
import type { RecipeValues } from '../recipe/values.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import { recipeKeys, type RecipeKey } from '../recipe/keys.ts';
import { defaultOf, type RecipeKeySpec } from '../recipe/spec.ts';
import { readText, type RunFolder } from './run-folder.ts';

/** A finished run that the page ships and replays without a GPU. */
export interface RecordedRun {
  recipe: RecipeValues;
  adapter: string;
  /** One report per step, and one for the evaluation before the first step if there is one. */
  steps: StepReport[];
}

/** Significant digits, as many as a curve or a table can show. */
const DIGITS = 4;
const TRACE_DECIMALS = 3;

/**
 * Traces are most of a step's bytes: the run that ships with the page has them at every thirtieth step,
 * and there alone the groups of the prompts that it follows.
 */
const TRACE_STEPS = 30;

class RecordError extends Error {
  override name = 'RecordError';
}

/** @throws RecordError if the folder has no finished run with completions. */
export async function recordRun(folder: RunFolder, name: string): Promise<RecordedRun> {
  const summary = jsonObject(await requireText(folder, name, 'summary.json'));
  if (!summary)
    throw new RecordError(`${name}/summary.json is damaged; add --resume to write it again`);
  const yaml = await requireText(folder, name, 'recipe.yaml');
  const { recipe } = parseRecipe(yaml, `${name}/recipe.yaml`);
  const { adapter } = summary as { adapter: string };
  const steps = (await recordedSteps(folder, name)).map(small);
  return { recipe: chosenValues(recipe), adapter, steps };
}

interface RecordedOptions {
  /** Traces are kept every so many steps, and for the first and the last step. */
  traceSteps?: number;
  /** Called with what cannot be read, which is then left out; without this, it is an error. */
  onDamage?: (place: string) => void;
}

/** The steps that a run has written to its folder so far. */
export async function recordedSteps(
  folder: RunFolder,
  name: string,
  { traceSteps = TRACE_STEPS, onDamage }: RecordedOptions = {},
): Promise<StepReport[]> {
  const read = <T extends object>(file: string, text: string): T[] => {
    const { rows, damaged } = parseJsonLines<T>(text);
    for (const line of damaged) {
      const place = `${file}, line ${line}`;
      if (!onDamage) throw new RecordError(`${name}/${place} is damaged; name another run`);
      onDamage(place);
    }
    return rows;
  };
  const size = groupSizeIn(await readText(folder, 'recipe.yaml'));
  const METRICS = 'metrics.jsonl';
  const rows = read<MetricsRow>(METRICS, await requireText(folder, name, METRICS));
  const steps: StepReport[] = [];
  const last = rows.at(-1)?.step;
  for (const metrics of rows) {
    const { step } = metrics;
    const withTrace = step === 1 || step === last || step % traceSteps === 0;
    const rowsIn = async <T extends object>(kind: string): Promise<T[]> => {
      const file = `${kind}/step-${step}.jsonl`;
      const text = await readText(folder, file);
      return text === undefined ? [] : read(file, text);
    };
    const completions = await rowsIn<CompletionRow>('completions');
    const followed = await rowsIn<CompletionRow>('followed');
    const judged = await rowsIn<Evaluated>('evaluations');
    steps.push({
      metrics: rounded(metrics),
      ...(completions.length > 0 && { group: groupsOf(completions, size, withTrace)[0]! }),
      ...(followed.length > 0 && withTrace && { followed: groupsOf(followed, size, withTrace) }),
      ...(judged.length > 0 && { evaluation: shownEvaluation(judged).map(rounded) }),
    });
  }
  return steps;
}

async function requireText(folder: RunFolder, name: string, file: string): Promise<string> {
  const found = await readText(folder, file);
  if (found !== undefined) return found;
  throw new RecordError(
    `${name} has no ${file}; name the folder of a finished run with log_completions`,
  );
}

/** The recipe's values that are not defaults. */
function chosenValues(recipe: Recipe): RecipeValues {
  const chosen = Object.entries(recipe).filter(([key, value]) => {
    const spec: RecipeKeySpec = recipeKeys[key as RecipeKey];
    const isDefault = value === defaultOf(spec, recipe.algorithm);
    return !isDefault && ['string', 'number', 'boolean'].includes(typeof value);
  });
  return { algorithm: recipe.algorithm, ...Object.fromEntries(chosen) };
}

/** A row also has a column for each reward, in addition to `rewards`. */
export type CompletionRow = Sample & { step: number; prompt: string; pair?: 'chosen' | 'rejected' };

/** Completions per prompt; any number if the recipe does not say. */
function groupSizeIn(yaml: string | undefined): number {
  const size = parseDocument(yaml ?? '').get('num_generations');
  return typeof size === 'number' ? size : Infinity;
}

/** The rows of a group follow each other; a prompt may come twice in a step, in two groups. */
function groupsOf(rows: readonly CompletionRow[], size: number, withTrace: boolean): Group[] {
  const parts: CompletionRow[][] = [];
  for (const row of rows) {
    const last = parts.at(-1);
    if (last && last.length < size && last[0]?.prompt === row.prompt) last.push(row);
    else parts.push([row]);
  }
  return parts.map((own) => groupOf(own, withTrace));
}

function groupOf(own: readonly CompletionRow[], withTrace: boolean): Group {
  const prompt = own[0]!.prompt;
  const rewards = own.map(({ reward }) => reward);
  const samples = own.map((row) => recordedSample(row, withTrace));
  const [chosen, rejected] = (['chosen', 'rejected'] as const).map((role) =>
    own.findIndex(({ pair }) => pair === role),
  ) as [number, number];
  return rounded({
    prompt,
    mean: mean(rewards),
    std: std(rewards),
    samples,
    ...(chosen >= 0 && rejected >= 0 && { pair: { chosen, rejected } }),
  });
}

function recordedSample(row: CompletionRow, withTrace: boolean): Sample {
  const { completion, thought, response, wellFormed, truncated, tokens, thoughtCut } = row;
  const { reward, rewards, advantage, gold, trace } = row;
  return {
    ...{ completion, thought, response, wellFormed },
    ...(truncated !== undefined && { truncated }),
    ...(tokens !== undefined && { tokens }),
    ...(thoughtCut !== undefined && { thoughtCut }),
    ...rounded({ reward, advantage }),
    ...(rewards && { rewards: rounded(rewards) }),
    ...(gold !== undefined && rounded({ gold })),
    // The numbers of a trace were rounded when it was made.
    ...(trace && withTrace && { trace }),
  };
}

/** The report with the decimals of its traces that a picture can show: most bytes are theirs. */
function small(report: StepReport): StepReport {
  const short = (values: readonly number[]): number[] =>
    values.map((value) => Number(value.toFixed(TRACE_DECIMALS)));
  const smallGroup = (group: Group): Group => ({
    ...group,
    samples: group.samples.map((sample) => {
      const { text, ...columns } = sample.trace ?? { text: [] };
      if (!sample.trace) return sample;
      const entries = Object.entries(columns).map(([name, values]) => [name, short(values)]);
      return { ...sample, trace: { text, ...Object.fromEntries(entries) } as TokenTrace };
    }),
  });
  const { group, followed } = report;
  return {
    ...report,
    ...(group && { group: smallGroup(group) }),
    ...(followed && { followed: followed.map(smallGroup) }),
  };
}

function rounded<T extends object>(value: T): T {
  const entries = Object.entries(value).map(([key, field]: [string, unknown]) => [
    key,
    typeof field === 'number' && !Number.isInteger(field)
      ? Number(field.toPrecision(DIGITS))
      : field,
  ]);
  return Object.fromEntries(entries) as T;
}
