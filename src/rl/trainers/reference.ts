/** The policy before training: the KL penalty and DPO's implicit reward are measured against it. */
import type { Memory } from '../../gpu/memory.ts';
import { BatchRunner, type TrainingRunner } from '../../model/batch-runner.ts';
import { LanguageModel } from '../../model/language-model.ts';
import type { ParameterPool } from '../../model/parameter-pool.ts';

export interface Reference {
  readonly model: LanguageModel;
  /** Uses the policy's memory, so a forward pass here overwrites the activations for the policy's backward pass. */
  readonly runner: BatchRunner;
  destroy(): void;
}

/**
 * As in TRL, the reference is a copy of a whole model; for a new adapter, which changes nothing yet,
 * the weights under it; and for an adapter that was trained before, a copy of it on the same weights.
 */
export function allocateReference<M extends Memory>(
  policy: LanguageModel<M>,
  trainedBefore: boolean,
): LanguageModel<M> {
  if (!policy.lora) return LanguageModel.allocate(policy.gpu, policy.config);
  return trainedBefore ? policy.withAdapter(policy.lora.config) : policy.withoutAdapter();
}

/** @param runner of the policy; the reference's forward pass uses its memory too */
export async function openReference(
  policy: LanguageModel,
  runner: TrainingRunner,
): Promise<Reference> {
  const { lora, gpu } = policy;
  const model = allocateReference(policy, lora !== undefined && (await says(lora.pool, policy)));
  if (model.trainable !== policy.weights) model.trainable.copyFrom(policy.trainable, gpu);
  const own = await BatchRunner.beside(runner, model);
  return {
    model,
    runner: own,
    destroy() {
      own.destroy();
      model.destroy();
    },
  };
}

/** Whether an adapter changes the model: its B, which starts at zero, is no longer zero. */
async function says(adapter: ParameterPool, { gpu }: LanguageModel): Promise<boolean> {
  const tensors = await adapter.read(gpu);
  return [...tensors].some(
    ([name, values]) => name.includes('lora_B') && values.some((x) => x !== 0),
  );
}
