/** PPO's value model, as it begins. */
import { asRewardConfig } from '../model/checkpoint.ts';
import { LanguageModel } from '../model/language-model.ts';

/** A copy of the policy that says a number for each token in place of the next token's distribution. */
export async function valueModel(policy: LanguageModel): Promise<LanguageModel> {
  const model = LanguageModel.allocate(policy.gpu, asRewardConfig(policy.config));
  const { parameters } = model.weights.layout;
  for (const [name, values] of await policy.weights.read(policy.gpu)) {
    if (parameters.has(name)) model.weights.setTensor(name, values);
  }
  return model;
}
