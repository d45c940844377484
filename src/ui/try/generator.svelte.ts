import * as Comlink from 'comlink';
import { messageOf } from '../../app/message-of.ts';
import type { Draft, Question } from '../../app/answer.ts';
import type { PolicyPairService, Side, Stoppable, Trained } from '../../app/policy-pair-service.ts';
import type { Connection } from '../../app/workers/connection.ts';
import { connectPolicyPairWorker } from './policy-pair-worker.ts';

/** Asks the policies before and after training; its worker starts with the first question. */
export class Generator {
  /** What the policy after training is; undefined until something was asked. */
  trained = $state.raw<Trained>();
  drafts = $state.raw<Partial<Record<Side, Draft>>>({});
  asking = $state(false);
  /** The visitor ended the last question; what was written until then stays. */
  stopped = $state(false);
  /** Why there is no answer, in a sentence. */
  error = $state<string | null>(null);
  private connection: Connection<Comlink.Remote<PolicyPairService>> | null = null;
  private questions = 0;

  constructor(
    /** The stored run whose policies are asked; null for those that ship with the page. */
    private readonly run: () => string | null,
  ) {}

  async ask(question: Question): Promise<void> {
    const number = ++this.questions;
    this.asking = true;
    this.stopped = false;
    this.error = null;
    this.drafts = {};
    try {
      // They have their own channels: a draft of an earlier question may arrive late.
      const isLast = (): boolean => number === this.questions;
      await this.use((service, run) =>
        service.ask(
          run,
          question,
          Comlink.proxy((trained: Trained) => {
            if (isLast()) this.trained = trained;
          }),
          Comlink.proxy((side: Side, draft: Draft) => {
            if (isLast()) this.drafts = { ...this.drafts, [side]: draft };
          }),
        ),
      );
    } catch (error) {
      this.fail(error);
    }
    this.asking = false;
  }

  /** A question that the visitor stopped is no error. */
  private fail(error: unknown): void {
    if (!this.stopped) this.error = messageOf(error);
  }

  /** Ends the question under way within a few tokens; the models stay loaded. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.end('question');
  }

  /** Ends what is under way in the worker. */
  async end(what: Stoppable): Promise<void> {
    // A broken worker has stopped already.
    await this.connection?.service.stop(what).catch(() => undefined);
  }

  /**
   * Asks the worker, started when it is first needed, about the run of now; rejects with a sentence if
   * the worker stops.
   */
  use<T>(
    work: (service: Comlink.Remote<PolicyPairService>, run: string | null) => Promise<T>,
  ): Promise<T> {
    // If the worker breaks, the next question starts another one.
    this.connection ??= connectPolicyPairWorker(() => (this.connection = null));
    return work(this.connection.service, this.run());
  }
}
