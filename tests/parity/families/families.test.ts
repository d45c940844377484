/**
 * Every family against transformers: tiny models whose numbers make_families.py wrote. The weights go
 * through a folder as transformers would save it, so that names, fused tensors and norms are tested too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Gpu } from '../../../src/gpu/device.ts';
import { openNodeGpu } from '../../../src/gpu/node.ts';
import { AdamW } from '../../../src/model/adamw.ts';
import { packBatch, type TokenGroup } from '../../../src/model/batch.ts';
import { BatchRunner, TrainingRunner } from '../../../src/model/batch-runner.ts';
import { checkpointFiles, loadModel } from '../../../src/model/checkpoint.ts';
import { Decoder } from '../../../src/model/decoder.ts';
import { droppedFolder, type CheckpointFolder } from '../../../src/model/files.ts';
import type { LanguageModel } from '../../../src/model/language-model.ts';
import { sequenceLogits } from '../../../src/model/logits.ts';
import { KERNELS } from '../../kernels.ts';
import { readSafetensors, writeSafetensors } from '../../safetensors.ts';

interface Golden {
  config: Record<string, unknown>;
  tensors: Record<string, number[]>;
  sequences: number[][];
  logits: number[][];
  greedy: number[];
  gradients: Record<string, [norm: number, ...probes: number[]]>;
  rewardConfig?: Record<string, unknown>;
  rewardTensors?: Record<string, number[]>;
  scores?: number[];
}

const CASES = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name): [string, Golden] => [
    name.replace('.json', ''),
    JSON.parse(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')) as Golden,
  ]);

/** `count` numbers in [-1, 1), as in make_families.py. */
function number(stream: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i, 2654435761) + Math.imul(stream + 1, 40503);
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 20) / 2048 - 1;
  });
}

/** The weights that `fill` of make_families.py makes. */
function weightsOf({ config, tensors }: Golden): Map<string, Float32Array> {
  const onePlus = config.model_type === 'gemma3_text' ? 0 : 1;
  return new Map(
    Object.entries(tensors).map(([name, shape], stream) => {
      const values = number(stream, elements(shape));
      return [name, values.map((x) => x * 0.5 + (name.includes('norm') ? onePlus : 0))];
    }),
  );
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const folder = (golden: Golden): CheckpointFolder =>
  folderOf(golden.config, golden.tensors, weightsOf(golden));

function rewardFolder(golden: Golden): CheckpointFolder {
  const own = weightsOf(golden);
  const tensors = golden.rewardTensors!;
  const head = Object.keys(golden.tensors).length;
  own.set(
    'score.weight',
    number(head, elements(tensors['score.weight']!)).map((x) => x * 0.5),
  );
  return folderOf(golden.rewardConfig!, tensors, own);
}

function folderOf(
  config: Record<string, unknown>,
  shapes: Record<string, number[]>,
  weights: ReadonlyMap<string, Float32Array>,
): CheckpointFolder {
  const tensors = Object.entries(shapes).map(
    ([name, shape]) => [name, { shape, values: weights.get(name)! }] as const,
  );
  return droppedFolder(
    new Map([
      ['m/config.json', new Blob([JSON.stringify(config)])],
      ['m/model.safetensors', new Blob([writeSafetensors(new Map(tensors))])],
    ]),
  );
}

/** The first two sequences share a prompt, as a group does. */
function groupsOf([first, second, third]: number[][], shared: number): TokenGroup[] {
  return [
    { prompt: first!.slice(0, shared), completions: [first!.slice(shared), second!.slice(shared)] },
    { prompt: third!.slice(0, 1), completions: [third!.slice(1)] },
  ];
}

const near = (got: number, want: number, most: number, what: string): void =>
  expect(Math.abs(got - want), `${what}: ${got} for ${want}`).toBeLessThan(most);

describe.each(KERNELS)('the $name kernels', ({ name: kernels, variants }) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openNodeGpu({ variants });
  });
  afterAll(() => gpu.close());

  // The wide kernels are those for the CPU but for their products, which one family tests in decoding. Heads
  // of their own, and tables of frequencies, are the same to all kernels.
  const inFull = kernels !== 'wide';
  const own = { CPU: /./, card: /^(?!.*(untied|yarn|dynamic|short))/, wide: /^gemma3$/ }[kernels];
  const cases = CASES.filter(([name]) => own.test(name));

  describe.each(cases)('%s', (name, golden) => {
    let model: LanguageModel;
    beforeAll(async () => {
      model = await loadModel(gpu, folder(golden));
    });
    afterAll(() => model.destroy());

    it.runIf(inFull)('gives the logits of transformers', async () => {
      for (const [s, ids] of golden.sequences.entries()) {
        // With these, the frequencies follow the longest sequence of a batch.
        if (s > 0 && model.ropes.dependOnLength) continue;
        const ours = (await sequenceLogits(model, ids)).flatMap((row) => [...row]);
        ours.forEach((value, i) => near(value, golden.logits[s]![i]!, 1e-4, `${s} ${i}`));
      }
    });

    it.runIf(inFull)('gives the gradients of transformers', async () => {
      const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
      const optimizer = await AdamW.create(model, options);
      const limits = { maxTokens: 40, maxTargets: 40, recompute: name.endsWith('tied') };
      const runner = await TrainingRunner.create(model, limits, optimizer.gradients);
      // With frequencies that follow the longest sequence, one batch must have all terms.
      const shared = model.ropes.dependOnLength ? 1 : 6;
      const weights = termWeights(golden.sequences, shared);
      const batch = packBatch(groupsOf(golden.sequences, shared), 'completion');
      await runner.backward(await runner.forward(batch), weights.completions);
      if (shared > 1) {
        const prompts = packBatch(promptsOf(golden.sequences, shared), 'completion');
        await runner.backward(await runner.forward(prompts), weights.prompts);
      }
      const gradients = await optimizer.gradients.read(gpu);
      for (const [tensor, [norm, ...probes]] of Object.entries(golden.gradients)) {
        const own = gradients.get(tensor)!;
        const ownNorm = Math.hypot(...own);
        near(ownNorm / norm, 1, 1e-3, `norm of ${tensor}`);
        const errors = probes.map((want, k) => {
          const sides = number(2000 + k, own.length);
          return own.reduce((sum, g, i) => sum + (sides[i]! < 0 ? -g : g), 0) - want;
        });
        // A product with random +1 and -1 has the variance of the squared length.
        const error = Math.hypot(...errors) / Math.sqrt(probes.length) / norm;
        expect(1 - error ** 2 / 2, `cosine of ${tensor}`).toBeGreaterThan(0.9999);
      }
      runner.destroy();
      optimizer.destroy();
    });

    it('continues greedily as transformers does', async () => {
      const [prompt] = golden.sequences;
      const maxNewTokens = golden.greedy.length;
      const limits = { maxSequences: 2, maxPromptTokens: 24, maxNewTokens };
      const decoder = await Decoder.create(model, limits);
      const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens };
      // The windows of Gemma 3 also in launches of a workgroup each.
      if (name === 'gemma3') vi.spyOn(gpu.pace, 'budget', 'get').mockReturnValue(1);
      const writing = decoder.generate([prompt!], 2, sampling, Uint32Array.of(0, 1));
      if (name === 'llama-dynamic') {
        await expect(writing).rejects.toThrow(/rotary embedding of this model changes between 12/);
      } else {
        const [group] = await writing;
        for (const { ids } of group!) expect(ids).toEqual(golden.greedy);
      }
      vi.restoreAllMocks();
      decoder.destroy();
    });

    it.runIf(golden.scores && kernels === 'CPU')('scores as transformers does', async () => {
      const reward = await loadModel(gpu, rewardFolder(golden));
      const runner = await BatchRunner.create(reward, { maxTokens: 40, maxTargets: 4 });
      const batch = packBatch(groupsOf(golden.sequences, 6), 'score');
      const { values } = await runner.forward(batch);
      golden.scores!.forEach((score, i) => near(values[i]!, score, 1e-4, `score ${i}`));
      runner.destroy();
      reward.destroy();
    });

    it.runIf(kernels === 'CPU')(
      'is written with the names and numbers it was read with',
      async () => {
        const { config, tensors } = await readAll(checkpointFiles(model));
        expect(config.model_type).toBe(golden.config.model_type);
        expect(config.architectures).toEqual(golden.config.architectures);
        expect([...tensors.keys()].sort()).toEqual(Object.keys(golden.tensors).sort());
        for (const [tensor, values] of weightsOf(golden))
          expect(tensors.get(tensor)).toEqual(values);
        const again = await loadModel(gpu, folderOf(config, golden.tensors, weightsOf(golden)));
        expect(again.config).toEqual(model.config);
        again.destroy();
      },
    );
  });
});

/** The prompts of `groupsOf`, whose tokens are no targets there. */
const promptsOf = ([first, second]: number[][], shared: number): TokenGroup[] =>
  [first!, second!].map((ids) => ({
    prompt: ids.slice(0, 1),
    completions: [ids.slice(1, shared)],
  }));

/** The weights of the terms of the loss, in the order of the targets. */
function termWeights(sequences: number[][], shared: number) {
  const weights = sequences.map((ids, s) => [...number(1000 + s, ids.length)]);
  const [first, second, third] = weights as [number[], number[], number[]];
  return {
    completions: Float32Array.of(
      ...first.slice(shared),
      ...second.slice(shared),
      ...third.slice(1),
    ),
    prompts: Float32Array.of(...first.slice(1, shared), ...second.slice(1, shared)),
  };
}

async function readAll(files: ReturnType<typeof checkpointFiles>) {
  const parts: Uint8Array[] = [];
  const stream = files.get('model.safetensors') as AsyncIterable<Uint8Array<ArrayBuffer>>;
  for await (const part of stream) parts.push(Uint8Array.from(part));
  const config = JSON.parse(files.get('config.json') as string) as Record<string, unknown>;
  return {
    config,
    tensors: await readSafetensors(new Uint8Array(Buffer.concat(parts)), 'written'),
  };
}
