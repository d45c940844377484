/** Two callers score at once, as the parts of a step do: without a device, which shows only the order. */
import { expect, it, vi } from 'vitest';
import { MemoryPlan, type View } from '../../src/gpu/memory.ts';
import { packBatch } from '../../src/model/batch.ts';
import { BatchRunner } from '../../src/model/batch-runner.ts';
import { asRewardConfig } from '../../src/model/config.ts';
import { LanguageModel } from '../../src/model/language-model.ts';
import { CONFIGS } from '../random-model.ts';

const { pause } = vi.hoisted(() => ({
  pause: () => new Promise((resolve) => setTimeout(resolve, 5)),
}));

// A program in several submits waits for the device between them.
vi.mock('../../src/gpu/program.ts', () => ({
  Program: { compile: () => Promise.resolve({ run: pause, flops: () => 0 }) },
}));

/** Computes nothing; it reads the first token of the batch that was uploaded last. */
class Card extends MemoryPlan {
  readonly counters = { flops: 0 };
  ids: View | undefined;
  private first = NaN;

  override upload(view?: View, data?: ArrayLike<number>): void {
    if (data && view === this.ids) this.first = data[0]!;
  }

  read(): Promise<ArrayBuffer[]> {
    return Promise.resolve([Float32Array.of(this.first).buffer]);
  }
}

it('a pass does not overwrite the inputs of another', async () => {
  const card = new Card(2 ** 31);
  const model = LanguageModel.allocate(card, asRewardConfig(CONFIGS['llama, tied']!));
  const limits = { maxTokens: 8, maxTargets: 2 };
  const runner = await BatchRunner.create(model as never, limits);
  card.ids = runner.memory.plan.inputs.ids.view;
  const score = async (token: number): Promise<number> => {
    const batch = packBatch([{ prompt: [token], completions: [[]] }], 'score');
    return (await runner.forward(batch)).values[0]!;
  };
  expect(await Promise.all([score(3), score(5), score(7)])).toEqual([3, 5, 7]);
});
