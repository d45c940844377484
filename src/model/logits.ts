/**
 * Raw logits of all tokens, for inspection and parity checks. Training and generation never have them
 * at once.
 */
import { Activation, planActivations } from '../gpu/activations.ts';
import { lower } from '../gpu/kernel.ts';
import { rmsNorm } from '../gpu/kernels/rms-norm.ts';
import type { View } from '../gpu/memory.ts';
import { Program } from '../gpu/program.ts';
import { packBatch, withinWindow, type TokenGroup } from './batch.ts';
import { requireFinite } from './errors.ts';
import { allLogits } from './heads.ts';
import type { LanguageModel } from './language-model.ts';
import { rowActivations, trunkOps, uploadRows, type RowDims } from './trunk.ts';

/**
 * T rows of V logits for T token ids, at least one.
 * @throws NotFiniteError when one of them is not finite
 */
export function sequenceLogits(
  model: LanguageModel,
  ids: readonly number[],
): Promise<Float32Array[]> {
  return groupLogits(model, { prompt: ids, completions: [] });
}

/**
 * A row of V logits for each token of the prompt, then for each of the completions, one after the other.
 * @throws NotFiniteError when one of them is not finite
 */
export async function groupLogits(
  model: LanguageModel,
  group: TokenGroup,
): Promise<Float32Array[]> {
  const { gpu, config } = model;
  const batch = packBatch([group], 'score');
  const { tokens } = batch;
  const trunk = rowActivations(model, tokens);
  const normed = new Activation('normed', tokens * config.hiddenSize);
  const logits = new Activation('logits', tokens * config.vocabSize, true);
  const rows = (d: RowDims): number => d.tokens;
  const ops = [
    ...trunkOps<RowDims>(model, trunk),
    rmsNorm<RowDims>({
      x: trunk.output,
      weight: model.weights.block('norm'),
      y: normed,
      rows,
      cols: config.hiddenSize,
      eps: config.rmsNormEps,
    }),
    ...allLogits<RowDims>(model, normed, logits, rows),
  ];
  const lowered = lower(ops, gpu.variants);
  const buffers = planActivations(gpu, lowered);
  const program = await Program.compile(gpu, lowered);
  const windowSpans =
    config.window === undefined ? undefined : withinWindow(batch.spans, config.window).spans;
  uploadRows(gpu, trunk.inputs, { ...batch, ...(windowSpans && { windowSpans }) });
  model.ropes.useLength(batch.longest);
  await program.run({ tokens });
  const all = await gpu.readFloats({
    ...(logits.view as View),
    byteLength: 4 * tokens * config.vocabSize,
  });
  program.destroy();
  for (const view of buffers) gpu.release('activations', view);
  requireFinite('A logit', all);
  return Array.from({ length: tokens }, (_, t) =>
    all.subarray(t * config.vocabSize, (t + 1) * config.vocabSize),
  );
}
