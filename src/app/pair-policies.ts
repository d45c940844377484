/** Loads a policy before training and after it, on one device. */
import type { Gpu } from '../gpu/device.ts';
import { loadCheckpoint, withAdapter, type Checkpoint } from '../model/adapted.ts';
import type { CheckpointFolder } from '../model/files.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { RecipeError, type Recipe } from '../rl/recipe/recipe.ts';
import type { Policy } from './answer.ts';
import { openIn, type Surroundings } from './opening/surroundings.ts';
import type { Side } from './policy-pair-service.ts';

export interface Policies extends Record<Side, Policy | null> {
  base: Policy;
  /** null: there is no trained policy. */
  trained: Policy | null;
}

/**
 * The model that the recipe names, and the checkpoint in `trained`, if there is one. Adapters share the
 * weights under them.
 */
export async function loadPolicies(
  around: Pick<Surroundings, 'gpu' | 'folder' | 'baseFolder'>,
  recipe: Recipe,
  trained: CheckpointFolder | undefined,
): Promise<Policies> {
  const { gpu } = around;
  const path = recipe.model_name_or_path;
  if (path === undefined) throw new RecipeError('the recipe has no model_name_or_path; add it.');
  const after = trained ? await loadPolicy(gpu, await openIn(around, trained)) : null;
  try {
    const started = await openIn(around, await around.folder(path));
    const before = after?.model.lora
      ? { ...after, model: await onSameWeights(after.model, started) }
      : await loadPolicy(gpu, started);
    return { base: before, trained: after };
  } catch (error) {
    after?.model.destroy();
    throw error;
  }
}

export function freePolicies({ base, trained }: Policies): void {
  trained?.model.destroy();
  base.model.destroy();
}

/** The policy before an adapter was trained: the weights under it, or the adapter that training started from. */
function onSameWeights(
  trained: LanguageModel,
  { base, adapter }: Checkpoint,
): Promise<LanguageModel> {
  return adapter ? withAdapter(trained, base, adapter) : Promise.resolve(trained.withoutAdapter());
}

async function loadPolicy(gpu: Gpu, checkpoint: Checkpoint): Promise<Policy> {
  const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
  return { model: await loadCheckpoint(gpu, checkpoint), tokenizer };
}
