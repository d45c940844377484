import * as Comlink from 'comlink';
import { messageOf } from '../../app/message-of.ts';
import type { Draft, Question } from '../../app/answer.ts';
import type { PolicyPairService, Sides, Side } from '../../app/policy-pair-service.ts';
import type { Connection } from '../../app/workers/connection.ts';
import { connectPolicyPairWorker } from './policy-pair-worker.ts';

/** Asks the policies before and after training; its worker starts with the first question. */
export class Generator {
  /** The two policies; null until something was asked. */
  sides = $state.raw<Sides | null>(null);
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
      await this.use(async (service) => {
        this.sides = await service.look();
        await service.ask(
          question,
          Comlink.proxy((side: Side, draft: Draft) => {
            // Drafts have their own channel: one of an earlier question may arrive late.
            if (number === this.questions) this.drafts = { ...this.drafts, [side]: draft };
          }),
        );
      });
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
    // A broken worker has stopped already.
    await this.connection?.service.stop().catch(() => undefined);
  }

  /** Asks the worker, started when it is first needed; rejects with a sentence if it stops. */
  async use<T>(work: (service: Comlink.Remote<PolicyPairService>) => Promise<T>): Promise<T> {
    // If the worker breaks, the next question starts another one.
    this.connection ??= connectPolicyPairWorker(() => (this.connection = null));
    const { service } = this.connection;
    await service.choose(this.run());
    return work(service);
  }
}
