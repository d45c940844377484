import * as Comlink from 'comlink';
import type { JudgedPair, PairJudges, PairProgress } from '../../app/judge-pair.ts';
import { messageOf } from '../../app/message-of.ts';
import type { Trained } from '../../app/policy-pair-service.ts';
import { recall, remember } from '../remembered.ts';
import type { Generator } from './generator.svelte.ts';

/** What judges said of a run, stored for the next visit. */
interface KeptJudging {
  judged: JudgedPair;
  trained: Trained;
  lengthMargin: number;
}

const KEY = 'judged-pair';

/** Judges compare the policies before and after training, in the worker of `generator`. */
export class PairJudging {
  kept = $state.raw<KeptJudging | null>(null);
  /** null while nothing is judged. */
  progress = $state.raw<PairProgress | null>(null);
  error = $state<string | null>(null);
  private stopped = false;

  constructor(private readonly generator: Generator) {}

  /** Shows the result of an earlier visit. */
  async open(): Promise<void> {
    const kept = await recall<KeptJudging>(KEY);
    if (kept && !this.progress) this.kept = kept;
  }

  async start(judges: PairJudges): Promise<void> {
    this.error = null;
    this.stopped = false;
    this.progress = { doing: 'before', done: 0, of: judges.prompts };
    try {
      const onProgress = Comlink.proxy((progress: PairProgress) => {
        // Progress has its own channel, and may arrive after the result.
        if (this.progress) this.progress = progress;
      });
      const { judged, trained } = await this.generator.use((service, run) =>
        service.judgePair(run, judges, onProgress),
      );
      this.kept = { judged, trained, lengthMargin: judges.lengthMargin };
      void remember(KEY, this.kept);
    } catch (error) {
      this.fail(error);
    }
    this.progress = null;
  }

  /** A comparison that the visitor stopped is no error. */
  private fail(error: unknown): void {
    if (!this.stopped) this.error = messageOf(error);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.generator.end('judging');
  }
}
