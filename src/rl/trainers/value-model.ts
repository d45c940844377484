/** PPO's value model at the start of training. */
import type { Memory } from '../../gpu/memory.ts';
import { asRewardConfig } from '../../model/config.ts';
import { LanguageModel } from '../../model/language-model.ts';

/**
 * A model that returns a number for each token in place of the next token's distribution. If the policy
 * is an adapter, the value model is another adapter on the same weights.
 */
export function allocateValueModel<M extends Memory>(policy: LanguageModel<M>): LanguageModel<M> {
  return policy.lora
    ? policy.withAdapter({ ...policy.lora.config, task: 'SEQ_CLS' })
    : LanguageModel.allocate(policy.gpu, asRewardConfig(policy.config));
}

/** A value model that starts as a copy of the policy with a zero score head. */
export function valueModel(policy: LanguageModel): LanguageModel {
  const model = allocateValueModel(policy);
  model.trainable.copyFrom(policy.trainable, policy.gpu);
  return model;
}
