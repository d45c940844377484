/**
 * Gemma 3 270m against transformers, and a step of an adapter on it. It runs only with GEMMA3=FOLDER,
 * because the folder (make_gemma3.py) has half a gigabyte, and a software adapter takes minutes.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { AdamW } from '../../src/model/adamw.ts';
import { packBatch } from '../../src/model/batch.ts';
import { BatchRunner, TrainingRunner } from '../../src/model/batch-runner.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import { Decoder } from '../../src/model/decoder.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { sequenceLogits } from '../../src/model/logits.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { PROJECTIONS } from '../../src/model/peft.ts';
import { initializeAdapter } from '../../src/rl/trainers/initialize.ts';

interface Golden {
  ids: number[];
  sampled: number[];
  positions: number[];
  /** The most probable id after each position. */
  top1: number[];
  /** After each of `positions`, the logits at the ids `sampled`. */
  last: number[][];
  logps: number[];
}

const golden = JSON.parse(
  readFileSync(new URL('./gemma3.json', import.meta.url), 'utf8'),
) as Golden;
const path = process.env.GEMMA3;

describe.skipIf(!path)('Gemma 3 270m', { timeout: 1_200_000 }, () => {
  let gpu: Gpu;
  let model: LanguageModel;
  beforeAll(async () => {
    gpu = await openNodeGpu();
    const lora = { task: 'CAUSAL_LM', r: 8, alpha: 16, targets: PROJECTIONS } as const;
    model = await loadModel(gpu, await nodeFolder(path!), { lora });
    initializeAdapter(model.trainable, 1);
  }, 300_000);
  afterAll(() => gpu.close());

  it('gives the logits of transformers', async () => {
    // Within the window; all logits of a longer text would not fit into a binding of 128 MiB.
    const ids = golden.ids.slice(0, 8);
    const logits = await sequenceLogits(model.withoutAdapter(), ids);
    golden.positions
      .filter((position) => position < ids.length)
      .forEach((position, p) =>
        golden.sampled.forEach((id, i) =>
          expect(Math.abs(logits[position]![id]! - golden.last[p]![i]!)).toBeLessThan(1e-2),
        ),
      );
    const best = (row: Float32Array): number =>
      row.reduce((top, x, i) => (x > row[top]! ? i : top), 0);
    expect(logits.map(best)).toEqual(golden.top1.slice(0, ids.length));
  });

  it('gives the log-probs of transformers beyond the window', async () => {
    const { ids, logps } = golden;
    const runner = await BatchRunner.create(model, { maxTokens: 640, maxTargets: 640 });
    const batch = packBatch(
      [{ prompt: ids.slice(0, 1), completions: [ids.slice(1)] }],
      'completion',
    );
    const { values } = await runner.forward(batch);
    logps.forEach((logp, t) => expect(Math.abs(values[t]! - logp), `at ${t}`).toBeLessThan(1e-2));
    runner.destroy();
  });

  it('writes greedily what transformers finds most probable', async () => {
    const prompt = golden.ids.slice(0, 100);
    const limits = { maxSequences: 1, maxPromptTokens: 100, maxNewTokens: 1 };
    const decoder = await Decoder.create(model, limits);
    const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: 1 };
    const written = await decoder.generate([prompt], 1, sampling, Uint32Array.of(0));
    expect(written[0]![0]!.ids).toEqual([golden.top1[99]]);
    decoder.destroy();
  });

  it('learns a text with an adapter', async () => {
    const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
    const optimizer = await AdamW.create(model, options);
    const limits = { maxTokens: 48, maxTargets: 48, recompute: true };
    const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
    const ids = golden.ids.slice(0, 40);
    const batch = packBatch(
      [{ prompt: ids.slice(0, 1), completions: [ids.slice(1)] }],
      'completion',
    );
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const pass = await runner.forward(batch);
      const count = pass.values.length;
      losses.push(-pass.values.reduce((sum, logp) => sum + logp, 0) / count);
      await runner.backward(pass, new Float32Array(count).fill(-1 / count));
      expect(await optimizer.step(1e-3)).toBeGreaterThan(0);
    }
    expect(losses[1]).toBeLessThan(losses[0]!);
    expect(losses[2]).toBeLessThan(losses[1]! - 0.02);
    runner.destroy();
    optimizer.destroy();
  });
});
