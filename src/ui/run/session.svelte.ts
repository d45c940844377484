import type { RecordedRun } from '../../rl/protocol.ts';
import { findGpuProblem, type GpuProblem } from '../webgpu.ts';
import { Live } from './live.svelte.ts';
import { Player } from './player.svelte.ts';
import { connectPolicyWorker } from './policy-worker.ts';
import { fetchRecordedRun } from './recorded.ts';
import { Run } from './run.svelte.ts';

/** Everything the page is about: the run on view, and where its reports come from. */
export class Session {
  readonly run = new Run();
  readonly player = new Player(this.run);
  readonly live = new Live(this.run, connectPolicyWorker);
  recorded = $state.raw<RecordedRun | null>(null);
  /** Why there is no replay, in a sentence. */
  recordedError = $state<string | null>(null);
  gpuProblem = $state<GpuProblem | null>(null);
  /** The playhead moves by itself. */
  readonly running = $derived(this.player.playing || this.live.active);

  /** Opens on the recorded run; `still` shows its end instead of playing it. */
  async open(still: boolean): Promise<void> {
    // Looking for a graphics card may take a while, and the replay needs none.
    void this.checkGpu();
    this.recorded = await fetchRecordedRun('./recorded-run.json').catch((error: unknown) => {
      this.recordedError = (error as Error).message;
      return null;
    });
    // Whoever was quick has started training already.
    if (!this.live.status) this.showRecorded(still);
  }

  showRecorded(still: boolean): void {
    if (!this.recorded) return;
    this.live.status = null;
    this.run.reset(this.recorded.steps.length);
    this.run.push(...this.recorded.steps);
    if (!still) this.player.play();
  }

  /** Trains what the recorded run trained. */
  async train(): Promise<void> {
    await this.checkGpu();
    if (this.gpuProblem) return;
    this.player.pause();
    await this.live.train(this.recorded?.recipe ?? {});
  }

  seek(head: number): void {
    this.player.pause();
    this.run.seek(head);
  }

  private async checkGpu(): Promise<void> {
    this.gpuProblem = await findGpuProblem();
  }
}
