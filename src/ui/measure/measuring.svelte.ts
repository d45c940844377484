/** The state of "Measure this browser". */
import * as Comlink from 'comlink';
import type { Progress } from '../../app/measure/measure.ts';
import type { Measurement } from '../../app/measure/measurement.ts';
import { messageOf } from '../../app/message-of.ts';
import { openMeasureWorker, type MeasureConnection } from './measure-worker.ts';
import { findGpuProblem, type GpuProblem } from '../webgpu.ts';

/** Replaced by the build; see vite.config.ts. */
declare const __PONDER_COMMIT__: string | null;

export class Measuring {
  /** Why this browser cannot measure; null: it can; undefined: not known yet. */
  problem = $state<GpuProblem | null>();
  running = $state(false);
  /** Of the present run, once the ceilings are measured. */
  progress = $state.raw<Progress>();
  /** What is measured so far, in the last or the present run. */
  measurement = $state.raw<Measurement>();
  error = $state<string>();
  private connection: MeasureConnection | undefined;

  async look(): Promise<void> {
    this.problem = await findGpuProblem();
  }

  async start(): Promise<void> {
    this.error = undefined;
    this.progress = undefined;
    this.measurement = undefined;
    this.running = true;
    const connection = openMeasureWorker();
    this.connection = connection;
    const show = (progress: Progress): void => {
      // After a stop, or after the result, reports may still arrive.
      if (this.connection !== connection) return;
      this.progress = progress;
      this.measurement = progress.measurement;
    };
    try {
      const result = await connection.service.measure(__PONDER_COMMIT__, Comlink.proxy(show));
      if (this.connection === connection) this.measurement = result;
    } catch (error) {
      // After a stop the call is rejected too.
      if (this.connection === connection) this.error = messageOf(error);
    }
    if (this.connection === connection) this.stop();
  }

  /** What is measured so far stays. */
  stop(): void {
    const { connection } = this;
    this.connection = undefined;
    this.running = false;
    connection?.close();
  }
}
