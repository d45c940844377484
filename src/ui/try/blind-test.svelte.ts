import * as Comlink from 'comlink';
import { messageOf } from '../../app/message-of.ts';
import {
  choose,
  startBlind,
  undo,
  type BlindComparison,
  type Choice,
} from '../../rl/evaluation/blind.ts';
import type { BlindRow, Trained } from '../../app/policy-pair-service.ts';
import type { Generator } from './generator.svelte.ts';
import { readRound, writeRound } from './kept-round.ts';

/** Prompts of a round: enough to tell a clear difference from luck, few enough to sit through. */
const PROMPTS = 24;
/** Prompts that are answered at once; small batches show the progress of a large model. */
const BATCH = 8;

/** A person judges the policies before and after training, without being told which is which. */
export class BlindTest {
  /** null before the first round. */
  comparison = $state.raw<BlindComparison | null>(null);
  rows = $state.raw<readonly BlindRow[]>([]);
  trained = $state.raw<Trained>(null);
  /** Responses written so far and in total; null while none are written. */
  writing = $state.raw<{ done: number; of: number } | null>(null);
  error = $state<string | null>(null);
  private round = 0;

  constructor(private readonly generator: Generator) {}

  /** Continues the round of an earlier visit. */
  async open(): Promise<void> {
    const kept = await readRound();
    if (kept && this.round === 0) Object.assign(this, kept);
  }

  /** Both policies answer prompts that were not asked before. */
  async start(): Promise<void> {
    const seed = ++this.round;
    this.comparison = null;
    this.error = null;
    this.writing = { done: 0, of: 2 * PROMPTS };
    try {
      await this.write(seed);
      const texts = this.rows.map(({ prompt, first: after, second: before }) => ({
        prompt,
        first: after.response,
        second: before.response,
      }));
      const comparison = startBlind(texts, seed);
      if (comparison.pairs.length === 0) {
        throw new Error(
          'Both models write the same response every time: there is nothing to judge.',
        );
      }
      this.show(comparison);
    } catch (error) {
      this.error = messageOf(error);
    }
    this.writing = null;
  }

  choose(choice: Choice): void {
    if (this.comparison) this.show(choose(this.comparison, choice));
  }

  undo(): void {
    if (this.comparison) this.show(undo(this.comparison));
  }

  /** Shows the round and stores it, so that it outlives the tab. */
  private show(comparison: BlindComparison): void {
    this.comparison = comparison;
    const { round, rows, trained } = this;
    void writeRound({ round, comparison, rows, trained });
  }

  private async write(seed: number): Promise<void> {
    const onWritten = (done: number): void => {
      // Progress has its own channel, and may arrive after the result.
      if (this.writing) this.writing = { ...this.writing, done };
    };
    const size = { prompts: PROMPTS, batch: BATCH, seed };
    const { trained, rows } = await this.generator.use((service, run) =>
      service.blindRound(run, size, Comlink.proxy(onWritten)),
    );
    Object.assign(this, { trained, rows });
  }
}
