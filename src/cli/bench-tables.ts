/** The tables of README.md and results/bench/README.md, made from the measurements in results/bench. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../app/measure/arithmetic.ts';
import { readMeasurement, type Measurement, type Row } from '../app/measure/measurement.ts';
import {
  adapterName,
  figures,
  kernelTable,
  resultTables,
  summaryLines,
  timesOf,
} from '../app/measure/tables.ts';

const RESULTS = 'results/bench';
const README = 'README.md';
const BEGIN = '<!-- Made by `npm run bench -- --tables`; edit src/cli/bench-tables.ts instead. -->';
const END = '<!-- end of the benchmark -->';

/** Files by path from the project's root, with the texts that they should have. */
export async function tableFiles(root: string): Promise<Map<string, string>> {
  const names = (await readdir(join(root, RESULTS))).filter((name) => name.endsWith('.json'));
  const measurements = new Map<string, Measurement>();
  for (const name of names.sort()) {
    const path = join(RESULTS, name);
    measurements.set(path, readMeasurement(await readFile(join(root, path), 'utf8'), path));
  }
  const readme = await readFile(join(root, README), 'utf8');
  return new Map([
    [README, withBlock(readme, readmeTable([...measurements.values()]))],
    [`${RESULTS}/README.md`, resultsPage(measurements)],
  ]);
}

/** Writes both; returns their paths. */
export async function writeTables(root: string): Promise<string[]> {
  const files = await tableFiles(root);
  for (const [path, text] of files) await writeFile(join(root, path), text);
  return [...files.keys()];
}

/**
 * The text with `made` between its two marks.
 * @throws Error when it lacks them
 */
export function withBlock(text: string, made: string, begin = BEGIN, end = END): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`the text has no place for what is made; add ${begin} and ${end}`);
  }
  return `${text.slice(0, from + begin.length)}\n\n${made}\n${text.slice(to)}`;
}

/** One line for each measurement. */
export function readmeTable(measurements: readonly Measurement[]): string {
  if (measurements.length === 0) return `There is no measurement in ${RESULTS} yet.\n`;
  const header = [
    'adapter',
    'matrix products, times jax-js',
    'times TensorFlow.js',
    'training step, times jax-js',
    'tokens/s written at batch 1, 8, 64',
    'GRPO step of `recipes/default.yaml`',
  ];
  return markdown([header, ...measurements.map(readmeRow)]);
}

function readmeRow(m: Measurement): string[] {
  const of = (group: Row['group']): Row[] => m.rows.filter((row) => row.group === group);
  const decoding = of('decoding').filter(({ seconds }) => seconds !== undefined);
  const model = decoding[0]?.name.replace(/,[^,]*$/, '');
  const [grpo] = of('grpo');
  return [
    adapterName(m),
    range(of('matmul'), 'jax-js'),
    range(of('matmul'), 'tfjs'),
    range(of('training'), 'jax-js'),
    model === undefined
      ? 'not measured'
      : `${decoding.map((row) => figures(row.tokensPerSecond)).join(', ')} (${model})`,
    grpo?.seconds === undefined ? 'not measured' : `${figures(grpo.seconds)} s`,
  ];
}

/** "3.1 to 4.9, median 3.6" */
function range(rows: readonly Row[], library: string): string {
  const ratios = rows.map((row) => timesOf(row, library)).filter((ratio) => ratio !== undefined);
  if (ratios.length === 0) return 'not measured';
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  return ratios.length === 1
    ? low.toFixed(1)
    : `${low.toFixed(1)} to ${high.toFixed(1)}, median ${median(ratios).toFixed(1)}`;
}

function resultsPage(measurements: ReadonlyMap<string, Measurement>): string {
  const parts = [...measurements].map(([path, m]) => {
    const tables = resultTables(m).map(
      ({ title, header, rows, notes }) =>
        `### ${title}\n\n${markdown([header, ...rows])}${notes.map((note) => `\n${note}\n`).join('')}`,
    );
    const kernels = m.rows
      .filter((row) => row.kernels)
      .map((row) => {
        const { header, rows } = kernelTable(row);
        return `### GPU time of ${row.name}\n\n${markdown([header, ...rows])}`;
      });
    const [adapter, ...lines] = summaryLines(m);
    return [`## ${adapter!}`, [path, ...lines, m.browser].join('  \n'), ...tables, ...kernels].join(
      '\n\n',
    );
  });
  return `${[`# Benchmark\n\n${BEGIN}`, INTRODUCTION, ...parts].join('\n\n').trimEnd()}\n`;
}

const INTRODUCTION = `\`npm run bench -- --out FILE\` measures, and \`npm run bench -- --tables\` writes
these tables from the JSON files in this folder. "Measure this browser" on the page gives such a file
too, without the other libraries. "ms" is the median of as many timings as its row says. "times
jax-js" is the median of its times over ours, and says the number of its timings where that differs; the libraries
are timed in turn, in one run. "tokens/s written" counts the tokens of completions, without those of prompts; in a
GRPO step the time includes its rewards and its update. "tokens/s read" counts those that a training step reads. *Of the
ceiling* compares with the least time that the work can take: its operations at the multiply-add rate, or its
bytes at the bandwidth, whichever is longer. 50% means that the work took twice that time. Rates count useful operations only. "GPU ms" is
the sum over launches, each in a pass of its own, so it can exceed "ms", which is seen from outside.`;

function markdown(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const [header = [], ...others] = rows;
  return line(header) + line(header.map(() => '---')) + others.map(line).join('');
}
