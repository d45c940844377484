/** The texts that are made from the JSON files of results/scaling. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withBlock } from '../../../src/cli/bench-tables.ts';
import { root } from '../../install.mjs';
import { svg } from '../growth/plot.ts';
import { charts, table, type Growth } from '../growth/report.ts';
import { limitsTable, type Limits } from '../limits/table.ts';
import type { Result } from '../llama-8b/result.ts';
import { llamaText } from '../llama-8b/text.ts';
import { trlSentence, trlTable, type Comparison } from '../trl/table.ts';

const FOLDER = 'results/scaling';
const PAGE = `${FOLDER}/README.md`;
const BEGIN = '<!-- Made by `node scripts/measure.mjs texts` from results/scaling. -->';
const END = '<!-- end of what results/scaling says -->';

/** Files by path from the project's root, with the texts that they should have. */
export async function textFiles(): Promise<Map<string, string>> {
  const text = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
  const json = async (name: string): Promise<unknown> =>
    JSON.parse(await text(`${FOLDER}/${name}.json`));
  const growth = (await json('growth')) as Growth;
  const trl = (await json('trl')) as Comparison;
  const llama = (await json('llama-8b')) as Result[];
  const sentence = trlSentence(trl);
  return new Map([
    [`${FOLDER}/growth.txt`, table(growth)],
    [`${FOLDER}/growth.svg`, svg(charts(growth))],
    [`${FOLDER}/limits.txt`, limitsTable((await json('limits')) as Limits)],
    [`${FOLDER}/trl.txt`, trlTable(trl)],
    [PAGE, withBlock(await text(PAGE), `${llamaText(llama)}\n${sentence}`, BEGIN, END)],
    ['README.md', withBlock(await text('README.md'), sentence, BEGIN, END)],
  ]);
}

/** Writes all; returns their paths. */
export async function writeTexts(): Promise<string[]> {
  const files = await textFiles();
  for (const [path, text] of files) await writeFile(join(root, path), text);
  return [...files.keys()];
}
