import { messageOf } from '../../app/message-of.ts';
import type {
  NewRun,
  Phase,
  Status,
  StoredRunEnd,
  TrainingListener,
  TrainingService,
} from '../../app/training-service.ts';
import type { StepReport } from '../../rl/report.ts';
import type { Connection } from '../../app/workers/connection.ts';

const UNDER_WAY: readonly Phase[] = ['loading', 'compiling', 'training', 'paused'];

/** Is told what becomes of the run. */
interface LiveListener {
  onStatus(status: Status): void;
  onReport(report: StepReport): void;
  onEnd(end: Status): void;
}

/** A training run in this tab: passes commands to the worker, and the worker's reports to the page. */
export class Live {
  /** null until a run was asked for. */
  status = $state.raw<Status | null>(null);
  /** Asked for and not yet done: a step that has begun is finished first. */
  pending = $state<'pause' | 'stop' | null>(null);
  readonly active = $derived(this.status !== null && UNDER_WAY.includes(this.status.phase));
  private connection: Connection<TrainingService> | null = null;

  constructor(
    private readonly connect: (onBroken: (reason: Error) => void) => Connection<TrainingService>,
    private readonly listener: LiveListener,
  ) {}

  /** Steps that are lost if the tab is closed now. */
  get unsavedSteps(): number {
    if (!this.active || !this.status) return 0;
    return this.status.step - (this.status.savedStep ?? 0);
  }

  begin(run: NewRun): Promise<void> {
    return this.train((service, listener) => service.begin(run, listener));
  }

  goOn(run: StoredRunEnd): Promise<void> {
    return this.train((service, listener) => service.goOn(run, listener));
  }

  private async train(
    open: (service: TrainingService, listener: TrainingListener) => Promise<void>,
  ): Promise<void> {
    this.close();
    this.status = { phase: 'loading', step: 0, maxSteps: 0 };
    const connection = this.connect(({ message }) => this.fail(message));
    this.connection = connection;
    let opened = false;
    await this.guard(async ({ service }) => {
      await open(service, {
        // A worker that was closed may still deliver what it had sent.
        onStatus: (status) => {
          if (this.connection !== connection) return;
          // A worker that is ready reports a pause; this run starts at once.
          if (status.phase === 'paused' && !opened) return;
          this.onStatus(status);
        },
        onStep: (report) => {
          if (this.connection === connection) this.listener.onReport(report);
        },
      });
      opened = true;
      await service.start();
    });
  }

  async pause(): Promise<void> {
    this.pending = 'pause';
    await this.guard(({ service }) => service.pause());
  }

  async resume(): Promise<void> {
    await this.guard(({ service }) => service.start());
  }

  async step(): Promise<void> {
    await this.guard(({ service }) => service.step());
  }

  /** Saves after the step that is running, and goes on. */
  async save(): Promise<void> {
    if (this.unsavedSteps > 0) await this.guard(({ service }) => service.save());
  }

  /** Ends the run. Its reports stay on view; before the first step there is nothing to wait for. */
  async stop(): Promise<void> {
    const phase = this.status?.phase;
    if (phase === 'training' || phase === 'paused') {
      this.pending = 'stop';
      await this.guard(({ service }) => service.stop());
    }
    if (this.active && this.status) this.onStatus({ ...this.status, phase: 'stopped' });
  }

  private onStatus(status: Status): void {
    this.status = status;
    this.listener.onStatus(status);
    if (status.phase !== 'training') this.pending = null;
    const { phase } = status;
    if (phase !== 'finished' && phase !== 'stopped' && phase !== 'failed') return;
    this.close();
    this.listener.onEnd(status);
  }

  /** Ignores errors of a worker that is closed already: the reason for closing has been shown. */
  private async guard(
    action: (connection: Connection<TrainingService>) => Promise<void>,
  ): Promise<void> {
    const connection = this.connection;
    if (!connection) return;
    try {
      await action(connection);
    } catch (error) {
      if (connection === this.connection) this.fail(messageOf(error));
    }
  }

  /** Shows that the run on view failed, or could not begin, and why. */
  fail(message: string): void {
    const { step, maxSteps } = this.status ?? { step: 0, maxSteps: 0 };
    this.onStatus({ phase: 'failed', step, maxSteps, error: message });
  }

  private close(): void {
    this.connection?.close();
    this.connection = null;
    this.pending = null;
  }
}
