/** Tells the page the phase of a live run, and each step once. */
import { messageOf } from './message-of.ts';
import { statusOf, type Told } from './live-status.ts';
import { basename } from '../model/files.ts';
import type { Phase, TrainingListener } from './training-service.ts';
import { shownEvaluation } from '../rl/evaluation/evaluate.ts';
import type { StepReport } from '../rl/report.ts';
import type { StepResult } from '../rl/trainers/trainer.ts';

/** A run in one of these phases stays in it. */
const ENDED: readonly Phase[] = ['finished', 'stopped', 'failed'];

export class LiveReports {
  listener: TrainingListener | undefined;
  private current: Phase = 'loading';
  private currentDetail: string | undefined;
  /** The last step that the listener has. */
  private lastStep = -1;

  /** @param told the rest of what a status says */
  constructor(private readonly told: () => Told) {}

  get phase(): Phase {
    return this.current;
  }

  /** What happens now inside a step. */
  get detail(): string | undefined {
    return this.currentDetail;
  }

  get ended(): boolean {
    return ENDED.includes(this.current);
  }

  tell(phase: Phase, detail?: string, error?: string): void {
    if (this.ended) return;
    this.current = phase;
    this.currentDetail = detail;
    this.listener?.onStatus({
      ...statusOf(phase, this.told()),
      ...(detail !== undefined && { detail }),
      ...(error !== undefined && { error }),
    });
  }

  /** @param share of the model's file that is read, from 0 to 1 */
  tellLoading(model: string, share: number): void {
    const detail = `loading ${basename(model)} (${Math.floor(100 * share)}%)`;
    if (share >= 1) this.tell('compiling', this.compilingDetail);
    else if (detail !== this.detail) this.tell('loading', detail);
  }

  /** Compiling takes long on some cards: the count shows that it goes on. */
  tellCompiling(): void {
    if (this.phase === 'compiling') this.tell('compiling', this.compilingDetail);
  }

  private get compilingDetail(): string {
    return `compiling programs (${this.told().devices.gpu?.compiled ?? 0} so far)`;
  }

  fail(error: unknown): void {
    this.tell('failed', undefined, messageOf(error));
  }

  /** A step of this visit. Steps that are done again after a loss give the same numbers. */
  report({ metrics, groups: [group], followed, evaluation }: StepResult): void {
    if (metrics.step <= this.lastStep) return;
    this.lastStep = metrics.step;
    this.listener?.onStep({
      metrics,
      ...(group && { group }),
      ...(followed && { followed }),
      ...(evaluation && { evaluation: shownEvaluation(evaluation) }),
    });
  }

  /** The steps of earlier visits, up to `step`; 0 if the run begins again. */
  reportPast(steps: readonly StepReport[], step: number): void {
    if (step > 0) this.lastStep = step;
    for (const report of steps) this.listener?.onStep(report);
  }
}
