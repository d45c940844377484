import * as Comlink from 'comlink';
import { outputsAmong } from '../../app/handover/back/outputs.ts';
import { folderName } from '../../app/runs/folder-name.ts';
import { messageOf } from '../../app/message-of.ts';
import { download } from '../download.ts';
import type { ListedRun } from './listed-run.svelte.ts';
import type { Runs } from './runs.svelte.ts';
import { runsWorker } from './runs-worker.ts';

/** Writing a run to a .zip, or reading one from a .zip. */
export class Transfer {
  /** What is written or read, and the share done, 0 to 1; null while nothing is. */
  going = $state<{ what: string; share: number } | null>(null);
  /** What was done last, in a sentence. */
  done = $state<string | null>(null);
  problem = $state<string | null>(null);
  readonly busy = $derived(this.going !== null);

  constructor(private readonly runs: Runs) {}

  /** `withModels`: also the models that the visitor brought. */
  async export(run: ListedRun, withModels: boolean): Promise<void> {
    const name = folderName(run.label);
    await this.go(`Writing ${name}.zip`, async (onProgress) => {
      download(`${name}.zip`, await runsWorker().export(run.id, name, withModels, onProgress));
      return `${name}.zip is in your downloads.`;
    });
  }

  async open(file: File): Promise<void> {
    await this.go(`Reading ${file.name}`, async (onProgress) => {
      const id = await runsWorker().import(file, onProgress);
      await this.runs.refresh();
      return `“${this.runs.find(id)?.label ?? file.name}” is in the table.`;
    });
  }

  /**
   * Opens the run in an output of TRL or verl, if there is one among the files.
   * @returns its id; undefined if there is none, or it cannot be opened
   */
  async openReturned(files: ReadonlyMap<string, File>): Promise<string | undefined> {
    if (outputsAmong(files.keys()).length === 0) return undefined;
    let id: string | undefined;
    await this.go('Reading what was trained elsewhere', async (onProgress) => {
      id = await runsWorker().openReturned(files, onProgress);
      if (id === undefined) return null;
      await this.runs.refresh();
      const { label, note } = this.runs.find(id)!;
      return `“${label}” is in Runs, and on view. ${note}`;
    });
    return id;
  }

  cancel(): void {
    // A broken worker has stopped already.
    runsWorker()
      .cancel()
      .catch(() => undefined);
  }

  private async go(
    what: string,
    work: (onProgress: (share: number) => void) => Promise<string | null>,
  ): Promise<void> {
    this.going = { what, share: 0 };
    this.done = null;
    this.problem = null;
    // Progress has its own channel: the last report may arrive after the end.
    const onProgress = (share: number): void => {
      if (this.going) this.going = { what, share };
    };
    try {
      this.done = await work(Comlink.proxy(onProgress));
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.problem = messageOf(error);
    }
    this.going = null;
  }
}
