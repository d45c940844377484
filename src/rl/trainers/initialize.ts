/** Random weights for training from scratch. */
import type { LanguageModel } from '../../model/language-model.ts';
import type { ParameterPool } from '../../model/parameter-pool.ts';
import { elementCount } from '../../model/safetensors-header.ts';
import { Random } from '../random.ts';

const EMBEDDING_STD = 0.1;

/**
 * Norms 1, biases 0, matrices normal with variance 1 / fan-in. Matrices that write into the residual
 * stream are zero, so every layer starts as the identity (Zhang et al., "Fixup", arXiv 1901.09321).
 */
export function initializeWeights(model: LanguageModel, seed: number): void {
  for (const { name, shape } of model.weights.layout.parameters.values()) {
    const random = new Random(seed, name);
    const values = new Float32Array(elementCount(shape));
    const std = deviation(name, shape);
    if (name.includes('norm')) values.fill(1);
    else if (std > 0) for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
    model.weights.setTensor(name, values);
  }
}

function deviation(name: string, shape: readonly number[]): number {
  if (name.endsWith('bias') || name === 'score.weight') return 0;
  if (name.includes('o_proj') || name.includes('down_proj')) return 0;
  return name.includes('embed_tokens') ? EMBEDDING_STD : 1 / Math.sqrt(shape[1] ?? 1);
}

/**
 * A new adapter as in peft: A uniform in +-1 / sqrt(in), B zero, so that the model does not change
 * before the first step.
 */
export function initializeAdapter(adapter: ParameterPool, seed: number): void {
  for (const { name, shape } of adapter.layout.parameters.values()) {
    if (!name.includes('lora_A')) continue;
    const random = new Random(seed, name);
    const bound = 1 / Math.sqrt(shape[1]!);
    const count = shape[0]! * shape[1]!;
    const values = Float32Array.from({ length: count }, () => bound * (2 * random.uniform() - 1));
    adapter.setTensor(name, values);
  }
}
