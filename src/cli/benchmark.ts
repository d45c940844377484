import { join, resolve } from 'node:path';
import { averages, type Average } from '../rl/evaluation/benchmarks/aggregate.ts';
import { allBenchmarks } from '../rl/evaluation/benchmarks/all.ts';
import {
  BenchmarkDataError,
  type Benchmark,
  type Item,
  type ScoreRow,
} from '../rl/evaluation/benchmarks/benchmark.ts';
import { checkedItems } from '../rl/evaluation/benchmarks/checked-items.ts';
import { PAPER, PAPER_MODEL, PAPER_SOURCE } from '../rl/evaluation/benchmarks/paper.ts';
import { PromptFileError } from '../rl/evaluation/prompt-files.ts';
import { nearest } from '../rl/recipe/nearest.ts';
import { rolloutOptions } from '../rl/rollout/rollout.ts';
import { UsageError } from './arguments.ts';
import { answersOf, type AnswerRow } from './benchmark-answers.ts';
import { keepSettings, readData, Rows } from './benchmark-files.ts';
import { judgeOptions, findJudge, judgeSettings, type Judge } from './benchmark-judges.ts';
import { scoresOf } from './benchmark-judging.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, refuseRewardModel, withModel } from './open.ts';
import { Progress } from './progress.ts';
import { findPolicy } from './run-files.ts';
import { table } from './text.ts';
import { PythonSandbox } from './python/sandbox.ts';
import { textModels } from './text-models.ts';
import { writingNotes, writingOf, writingOptions } from './writing.ts';
import { writeResult } from './write-result.ts';

/** As the paper samples its answers (arXiv 2509.20357; its repository's eval/), unless a benchmark's makers differ. */
const SAMPLING = { temperature: 0.7, top_p: 0.95, max_completion_length: 4096 } as const;

/** Starts no process before the first program. */
const python = new PythonSandbox();
const BENCHMARKS = allBenchmarks((task) => python.run(task), textModels);

interface Scores {
  benchmark: string;
  title: string;
  model: string;
  questions: number;
  /** Items that did not fit the model's context, and turns that were cut at the longest completion. */
  too_long: number;
  truncated: number;
  judge: string | null;
  seed: number;
  /** null: the benchmark needs a judge. */
  scores: ScoreRow[] | null;
}

export const benchmark = defineCommand({
  name: 'benchmark',
  positionals: {
    NAME: `One of ${BENCHMARKS.map(({ name }) => name).join(', ')}, or all.`,
  },
  summary: "Asks a model a benchmark of the paper, and scores it by the benchmark's own rule.",
  options: {
    ...modelOption,
    ...baseOption,
    data: {
      type: 'text',
      default: 'data',
      help: 'Where the files of the benchmark are: a folder with them (or with a folder NAME that has them), or the first file.',
    },
    ...judgeOptions,
    limit: {
      type: 'integer',
      optional: true,
      min: 1,
      help: 'Only the first so many questions; the score is then no score of the benchmark.',
    },
    out: {
      type: 'text',
      default: 'runs/benchmarks',
      help: 'Folder for answers, judgments and scores, each benchmark in a folder of its name; the same command goes on in it.',
    },
    seed: { type: 'integer', default: 0, min: 0, help: 'Seed of the sampling.' },
    batch: { type: 'integer', default: 8, min: 1, help: 'Questions that are asked at once.' },
    ...writingOptions,
  },
  notes:
    `Answers are sampled as in the paper: temperature ${SAMPLING.temperature}, top_p ${SAMPLING.top_p}, at ` +
    `most ${SAMPLING.max_completion_length} tokens; Creative Writing with its makers' min_p. The thought is cut off before the answer is judged.\n` +
    'The data sets are yours to bring: a missing file is named, with the place where its makers publish it.\n' +
    `A command that was stopped goes on where it was; start it again.\n${writingNotes}`,
  async run({ positionals: [name = ''], options }) {
    const chosen = chosenBenchmarks(name);
    const settings = judgeSettings(options);
    const policy = await findPolicy(options.model);
    const writing = writingOf(policy, { ...SAMPLING, ...given(options) });
    const { work, missing } = await readAll(chosen, options, name === 'all');
    const isJudged = work.some(({ benchmark }) => benchmark.by === 'judge');
    const open = isJudged ? await findJudge(options) : undefined;
    const results: Scores[] = [];
    await withModel({ model: policy.path, base: options.base }, async (model, load) => {
      refuseRewardModel(options.model, model);
      const asked = { model, tokenizer: await load(), batch: options.batch };
      for (const one of work) {
        const { sampling } = one.benchmark;
        const { top_p: topP = sampling?.top_p, min_p: minP = sampling?.min_p } = options;
        const how = {
          ...writing,
          ...(topP !== undefined && { top_p: topP }),
          ...(minP !== undefined && { min_p: minP }),
        };
        await keepSettings(one.folder, 'answers.json', {
          ...{ model: resolve(policy.path), base: options.base ?? null, ...how },
          ...{ seed: options.seed, batch: options.batch, limit: options.limit ?? null },
          data_sha256: one.sha256,
        });
        const kept = await Rows.open<AnswerRow>(join(one.folder, 'answers.jsonl'));
        const before = kept.rows.length;
        const progress = new Progress(one.items.length, before);
        const asking = { ...asked, options: rolloutOptions(how, 1, options.seed) };
        one.answers = await answersOf(one.items, asking, kept, (done) =>
          progress.update(done, `${one.benchmark.name}: answers`),
        );
        progress.clear();
      }
    });
    // The model's device is closed: a judge has the memory for itself.
    const judge = await open?.();
    try {
      for (const one of work) results.push(await judged(one, judge, settings, options));
    } finally {
      judge?.close();
      python.close();
    }
    const main = Object.fromEntries(
      results.flatMap(({ benchmark, scores }) => {
        const row = scores?.find((score) => score.main);
        return row ? [[benchmark, row]] : [];
      }),
    );
    return { results, missing, ...(name === 'all' && { averages: averages(main) }) };
  },
  format: ({ results, missing, averages: means = [] }) =>
    scoreTable(results, means) +
    `paper: ${PAPER_SOURCE}\n` +
    results.map(remark).join('') +
    means.map(contents).join('') +
    missing.map((message) => `not asked: ${message}\n`).join(''),
});

interface Work {
  benchmark: Benchmark;
  /** Of its files. */
  sha256: string;
  items: Item[];
  folder: string;
  answers: AnswerRow[];
}

function chosenBenchmarks(name: string): readonly Benchmark[] {
  if (name === 'all') return BENCHMARKS;
  const found = BENCHMARKS.find((one) => one.name === name);
  if (found) return [found];
  const names = [...BENCHMARKS.map((one) => one.name), 'all'];
  const meant = nearest(name, names);
  throw new UsageError(
    `there is no benchmark ${name}; ${meant ? `did you mean ${meant}?` : `take one of ${names.join(', ')}`}`,
  );
}

/** The items of all benchmarks; with `all`, one whose files are missing is left out and named. */
async function readAll(
  benchmarks: readonly Benchmark[],
  { data, limit, out }: { data: string; limit: number | undefined; out: string },
  isAll: boolean,
): Promise<{ work: Work[]; missing: string[] }> {
  const work: Work[] = [];
  const missing: string[] = [];
  for (const benchmark of benchmarks) {
    try {
      const { texts, large, sha256 } = await readData(benchmark, data);
      const items = firstQuestions(checkedItems(benchmark, texts, large), limit);
      work.push({
        ...{ benchmark, sha256, items, answers: [], folder: join(out, benchmark.name) },
      });
    } catch (error) {
      const isAboutFiles = error instanceof BenchmarkDataError || error instanceof PromptFileError;
      if (!isAll || !isAboutFiles) throw error;
      missing.push(error.message);
    }
  }
  if (work.length > 0) return { work, missing };
  throw new BenchmarkDataError(missing.join('; '));
}

function firstQuestions(items: Item[], limit = Infinity): Item[] {
  const question = ({ question: own, id }: Item): string => own ?? id;
  const taken = new Set([...new Set(items.map(question))].slice(0, limit));
  return items.filter((item) => taken.has(question(item)));
}

async function judged(
  { benchmark: own, items, answers, folder }: Work,
  judge: Judge | undefined,
  settings: object | undefined,
  { model, seed }: { model: string; seed: number },
): Promise<Scores> {
  const byJudge = own.by === 'judge';
  if (byJudge && settings) await keepSettings(folder, 'judge.json', settings);
  let progress: Progress | undefined;
  const scores = await scoresOf(own, items, answers, judge, folder, (done, total) => {
    progress ??= new Progress(total, done - 1);
    progress.update(done, `${own.name}: judgments`);
  });
  progress?.clear();
  const result: Scores = {
    ...{ benchmark: own.name, title: own.title, model },
    questions: new Set(items.map(({ question, id }) => question ?? id)).size,
    too_long: answers.filter(({ too_long: left }) => left).length,
    truncated: answers.flatMap(({ truncated }) => truncated).filter(Boolean).length,
    ...{ judge: byJudge ? (judge?.name ?? null) : null, seed, scores: scores ?? null },
  };
  await writeResult(join(folder, 'scores.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}

/** The options that the command line gave. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as T;
}

function scoreTable(results: readonly Scores[], means: readonly Average[]): string {
  const rows = results.flatMap(({ benchmark: name, judge, scores, truncated, too_long: long }) => {
    const remarks = notes(judge, truncated, long);
    if (scores === null) {
      return [[name, 'answers only: name a judge with --judge or --judge_url', '', '', '', '', '']];
    }
    if (scores.length === 0) return [[name, 'no judgment could be read', '', '', '', '', remarks]];
    return scores.map((row) => [
      ...[name, row.name, row.mean.toFixed(2)],
      `[${row.low.toFixed(2)}, ${row.high.toFixed(2)}]`,
      ...[String(row.count), paperCell(`${name}/${row.name}`), remarks],
    ]);
  });
  const averaged = means.flatMap(({ name, mean }) =>
    mean === null ? [] : [[name, 'mean', mean.toFixed(2), '', '', paperCell(`${name}/mean`)]],
  );
  return table([
    ['benchmark', 'score', 'value', '95%', 'n', `paper (${PAPER_MODEL}, N -> T)`, 'notes'],
    ...rows,
    ...averaged,
  ]);
}

function notes(judge: string | null, truncated: number, long: number): string {
  return [
    judge === null ? '' : `judge ${judge}`,
    truncated > 0 ? `${truncated} answers were cut` : '',
    long > 0 ? `${long} questions did not fit` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

function paperCell(key: string): string {
  const numbers = PAPER[key];
  return numbers ? `${numbers.withoutThought} -> ${numbers.withThought}` : '-';
}

function remark({ benchmark: name }: Scores): string {
  const said = BENCHMARKS.find((one) => one.name === name)?.remark;
  return said === undefined ? '' : `${name}: ${said}\n`;
}

function contents({ name, contains, missing }: Average): string {
  const of = contains.length > 0 ? contains.join(', ') : 'nothing';
  const left = missing.length > 0 ? `; not in it: ${missing.join(', ')}` : '';
  return `${name}: mean of ${of}${left}\n`;
}
