/** Random weights to train from scratch. */
import type { LanguageModel } from '../model/language-model.ts';
import { Random } from './random.ts';

const EMBEDDING_STD = 0.1;

/**
 * Norms 1, biases 0, matrices normal with variance 1 / fan-in; what writes into the residual stream
 * starts at zero, so that every layer begins as the identity (Zhang et al., "Fixup", arXiv 1901.09321).
 */
export function initializeWeights(model: LanguageModel, seed: number): void {
  for (const { name, shape } of model.layout.parameters.values()) {
    const random = new Random(seed, name);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const std = deviation(name, shape);
    if (name.includes('norm')) values.fill(1);
    else if (std > 0) for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
    model.setTensor(name, values);
  }
}

function deviation(name: string, shape: readonly number[]): number {
  if (name.endsWith('bias') || name === 'score.weight') return 0;
  if (name.includes('o_proj') || name.includes('down_proj')) return 0;
  return name.includes('embed_tokens') ? EMBEDDING_STD : 1 / Math.sqrt(shape[1] ?? 1);
}
