/** The policy as it was before training: what a KL penalty and DPO's implicit reward are measured from. */
import type { BatchRunner } from '../model/batch-runner.ts';
import { LanguageModel } from '../model/language-model.ts';

export interface Reference {
  readonly model: LanguageModel;
  /** Shares the policy's activations: what is read from one must be read before the other runs. */
  readonly runner: BatchRunner;
  destroy(): void;
}

/** @param runner of the policy, whose memory the reference's forward pass uses as well */
export async function openReference(
  policy: LanguageModel,
  runner: BatchRunner,
): Promise<Reference> {
  // With an adapter the reference is the policy's own weights; without, a copy.
  const model = policy.lora ? policy.withoutAdapter() : copyOf(policy);
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

function copyOf(policy: LanguageModel): LanguageModel {
  const model = LanguageModel.allocate(policy.gpu, policy.config);
  model.weights.copyFrom(policy.weights, policy.gpu);
  return model;
}
