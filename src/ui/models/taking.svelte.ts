import * as Comlink from 'comlink';
import { messageOf } from '../../app/message-of.ts';
import type { Outtype } from '../../model/gguf-writer/types.ts';
import type { ExportKind } from '../../rl/runs/export.ts';
import { isTarget, type Target } from '../../app/handover/targets.ts';
import { download } from '../download.ts';
import { modelsWorker } from './models-worker.ts';
import type { KeptCheckpoint } from '../../app/workers/models.worker.ts';

declare global {
  interface Window {
    /** Only some browsers have it. */
    showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
  }
}

/** Taking the trained model home: the last checkpoint, and the progress of writing it. */
export class Taking {
  /** The last checkpoint; null when there is none. */
  kept = $state.raw<KeptCheckpoint | null>(null);
  kind = $state<ExportKind | Target>('hf');
  /** Of a GGUF file. */
  outtype = $state<Outtype>('f16');
  withRun = $state(true);
  /** Share written so far, 0 to 1; null while nothing is written. */
  share = $state<number | null>(null);
  problem = $state<string | null>(null);
  private id: string | undefined;
  /** What was written last, in a sentence. */
  done = $state<string | null>(null);

  /** Name of the folder that is written, or of the one file. */
  get name(): string {
    const { model = 'model', step = 0 } = this.kept ?? {};
    return `${model}-step-${step}${this.suffix}`;
  }

  private get suffix(): string {
    if (this.kind === 'peft') return '-adapter';
    if (this.kind === 'gguf') return `-${this.outtype}`;
    return isTarget(this.kind) ? `-${this.kind}` : '';
  }

  /** @param id of the stored run; undefined if there is none */
  async look(id: string | undefined): Promise<void> {
    const before = this.kept?.adapter;
    this.id = id;
    // A browser that stores nothing has no checkpoint.
    const kept =
      id === undefined
        ? null
        : await modelsWorker()
            .kept(id)
            .catch(() => undefined);
    // Another run may have been put on view meanwhile.
    if (id !== this.id) return;
    this.kept = kept ?? null;
    if (this.kept?.adapter !== before) this.kind = this.kept?.adapter ? 'peft' : 'hf';
  }

  async download(): Promise<void> {
    const file = (await this.write())?.file;
    if (!file) return;
    download(file.name, file);
    this.done = `${file.name} is in your downloads.`;
  }

  async saveInto(): Promise<void> {
    const parent = await window
      .showDirectoryPicker?.({ mode: 'readwrite' })
      // The visitor cancelled.
      .catch(() => undefined);
    if (!parent) return;
    const { name } = this;
    if (await this.write(parent)) this.done = `${name} is in ${parent.name}.`;
  }

  cancel(): void {
    // A broken worker has stopped already.
    modelsWorker()
      .cancel()
      .catch(() => undefined);
  }

  private async write(
    parent?: FileSystemDirectoryHandle,
  ): Promise<{ file?: File | undefined } | undefined> {
    const { id, kind, outtype, name } = this;
    // A GGUF file is one file.
    const withRun = this.withRun && kind !== 'gguf';
    if (id === undefined) return undefined;
    let writing = true;
    this.share = 0;
    this.problem = null;
    this.done = null;
    try {
      const file = await modelsWorker().takeHome(
        { id, kind, outtype, name, withRun, ...(parent && { parent }) },
        // Progress has its own channel: the last report may arrive after the end.
        Comlink.proxy((share: number) => {
          if (writing) this.share = share;
        }),
      );
      return { file };
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.problem = messageOf(error);
      return undefined;
    } finally {
      writing = false;
      this.share = null;
    }
  }
}
