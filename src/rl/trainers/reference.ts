/** The policy as it was before training: what a KL penalty and DPO's implicit reward are measured from. */
import type { Memory } from '../../gpu/memory.ts';
import type { BatchRunner } from '../../model/batch-runner.ts';
import { LanguageModel } from '../../model/language-model.ts';
import type { ParameterPool } from '../../model/parameter-pool.ts';

export interface Reference {
  readonly model: LanguageModel;
  /** Shares the policy's activations: what is read from one must be read before the other runs. */
  readonly runner: BatchRunner;
  destroy(): void;
}

/**
 * As in TRL: of a whole model a copy; of a new adapter, which says nothing yet, the weights under it;
 * of one that was trained before, a copy of it on the same weights.
 */
export function allocateReference<M extends Memory>(
  policy: LanguageModel<M>,
  trainedBefore: boolean,
): LanguageModel<M> {
  if (!policy.lora) return LanguageModel.allocate(policy.gpu, policy.config);
  return trainedBefore ? policy.withAdapter(policy.lora.config) : policy.withoutAdapter();
}

/** @param runner of the policy, whose memory the reference's forward pass uses as well */
export async function openReference(
  policy: LanguageModel,
  runner: BatchRunner,
): Promise<Reference> {
  const { lora, gpu } = policy;
  const model = allocateReference(policy, lora !== undefined && (await says(lora.pool, policy)));
  if (model.trainable !== policy.weights) model.trainable.copyFrom(policy.trainable, gpu);
  const own = await runner.withWeights(model);
  return {
    model,
    runner: own,
    destroy() {
      own.destroy();
      model.destroy();
    },
  };
}

/** Whether an adapter changes anything: B, which begins at zero, has moved. */
async function says(adapter: ParameterPool, { gpu }: LanguageModel): Promise<boolean> {
  const tensors = await adapter.read(gpu);
  return [...tensors].some(
    ([name, values]) => name.includes('lora_B') && values.some((x) => x !== 0),
  );
}
