/**
 * The rows of a run: metrics.jsonl, and the completions and evaluations of each step. Rows that cannot be
 * written (the disk is full) stay in memory, and are written with the next checkpoint.
 */
import { jsonLines, parseJsonLines } from '../data/json-lines.ts';
import { recipeYaml, type Recipe } from '../recipe/recipe.ts';
import type { Group, MetricsRow } from '../report.ts';
import type { StepResult } from '../trainers/trainer.ts';
import { marking, type FileMark } from './file-mark.ts';
import { readText, ROW_FOLDERS, type RunFolder } from './run-folder.ts';

/** The most characters that wait to be written; a run may go on for a night with a full disk. */
const MOST_WAITING = 2 ** 26;

const TOO_MUCH = 'Completions were lost, because nothing could be written for too long.';

export class RunRows {
  /** One row for each step so far. */
  metrics: MetricsRow[] = [];
  /** The completions and evaluations that were written since the last checkpoint. */
  marks: Record<string, FileMark> = {};
  /** Whether the folder lacks something; it does until the run has begun there. */
  private behind = true;
  /** Texts that are not written yet, by path. */
  private readonly waiting = new Map<string, string>();

  /** @param notices gets a sentence if completions are lost */
  constructor(
    private readonly folder: RunFolder,
    private readonly recipe: Recipe,
    private readonly notices: string[],
  ) {}

  /** Starts a folder; what a run wrote there before its first checkpoint is removed. */
  async begin(): Promise<void> {
    await this.folder.write('recipe.yaml', recipeYaml(this.recipe));
    await this.folder.remove('summary.json');
    await this.forgetAfter(-1);
    this.behind = false;
  }

  /**
   * Takes up the rows of a run that has them in its folder.
   * @param rows as the checkpoint of `step` has them; an older checkpoint has none
   */
  async remember(step: number, rows: readonly MetricsRow[] | undefined): Promise<void> {
    this.metrics = [...(rows ?? (await this.storedRows(step)))];
    this.behind = false;
  }

  /** Whether metrics.jsonl has these rows, and no others. */
  async isStored(rows: readonly MetricsRow[]): Promise<boolean> {
    return (await readText(this.folder, 'metrics.jsonl')) === jsonLines(rows);
  }

  /** The same, and makes the folder that of a run with no step after `step`. */
  async restore(step: number, rows: readonly MetricsRow[] | undefined): Promise<void> {
    await this.remember(step, rows);
    await this.forgetAfter(step);
    await this.folder.write('recipe.yaml', recipeYaml(this.recipe));
  }

  /** Writes a step. @throws StorageError; the step is then written by `catchUp` */
  async add({ metrics, groups, followed, evaluation }: StepResult): Promise<void> {
    const { step } = metrics;
    this.metrics.push(metrics);
    const at = (kind: string): string => `${kind}/step-${step}.jsonl`;
    const texts: [path: string, text: string][] = [];
    if (groups.length > 0 && this.recipe.log_completions) {
      texts.push([at('completions'), completionRows(step, groups)]);
    }
    if (followed) texts.push([at('followed'), completionRows(step, followed)]);
    if (evaluation) texts.push([at('evaluations'), jsonLines(evaluation)]);
    await this.write(texts, jsonLines([metrics]));
  }

  /** Appends to metrics.jsonl and writes texts, unless they have to wait for those before them. */
  private async write(texts: readonly [path: string, text: string][], row: string): Promise<void> {
    for (const [path, text] of texts) this.waiting.set(path, text);
    this.forgetMostWaiting();
    if (this.behind) return;
    this.behind = true;
    await this.folder.append('metrics.jsonl', row);
    await this.writeWaiting();
    this.behind = false;
  }

  /** Writes what could not be written before. */
  async catchUp(): Promise<void> {
    if (!this.behind) return;
    await this.folder.write('recipe.yaml', recipeYaml(this.recipe));
    await this.folder.write('metrics.jsonl', jsonLines(this.metrics));
    await this.writeWaiting();
    this.behind = false;
  }

  private async writeWaiting(): Promise<void> {
    for (const [path, text] of this.waiting) {
      await this.folder.write(
        path,
        marking(text, (mark) => (this.marks[path] = mark)),
      );
      this.waiting.delete(path);
    }
  }

  /** The oldest are lost first. */
  private forgetMostWaiting(): void {
    let size = [...this.waiting.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [path, text] of this.waiting) {
      if (size <= MOST_WAITING) return;
      this.waiting.delete(path);
      if (!this.notices.includes(TOO_MUCH)) this.notices.push(TOO_MUCH);
      size -= text.length;
    }
  }

  /** Removes what was written of steps after the checkpoint, because those steps are done again. */
  private async forgetAfter(step: number): Promise<void> {
    await this.folder.write('metrics.jsonl', jsonLines(this.metrics));
    for (const kind of ROW_FOLDERS) {
      for (const name of await this.folder.list(kind)) {
        if (Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? -1) > step) {
          await this.folder.remove(`${kind}/${name}`);
        }
      }
    }
  }

  /** The rows up to a step, as metrics.jsonl has them. */
  private async storedRows(step: number): Promise<MetricsRow[]> {
    const text = (await readText(this.folder, 'metrics.jsonl')) ?? '';
    const { rows, damaged } = parseJsonLines<MetricsRow>(text);
    for (const line of damaged)
      this.notices.push(`metrics.jsonl: the row in line ${line} is lost.`);
    return rows.filter((row) => row.step <= step);
  }
}

/**
 * TRL's completions table (step, prompt, completion, one column per reward, advantage) and our other
 * columns; for DPO they include which completion of a group is chosen and which is rejected.
 */
function completionRows(step: number, groups: readonly Group[]): string {
  const rows = groups.flatMap(({ prompt, samples, pair }) =>
    samples.map(({ completion, ...sample }, i) => {
      const chosen = pair?.chosen === i && 'chosen';
      const rejected = pair?.rejected === i && 'rejected';
      const role = chosen || rejected;
      const row = { step, prompt, completion, ...sample.rewards, ...sample };
      return { ...row, ...(role && { pair: role }) };
    }),
  );
  return jsonLines(rows);
}
