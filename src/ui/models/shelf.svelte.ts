import defaultRecipe from '../../../recipes/default.yaml?raw';
import { describeModel, type ModelFacts } from '../../model/describe.ts';
import { droppedFolder, requireJson, type CheckpointFolder } from '../../model/files.ts';
import {
  removeStoredModel,
  storedFolder,
  storedModels,
  storeModel,
} from '../../model/stored-models.ts';
import { storedPath } from '../../rl/page-paths.ts';
import type { RecipeValues } from '../../rl/protocol.ts';

export interface ShelfModel {
  name: string;
  role: Role;
  parameters: number;
  /** Bytes on the graphics card while a policy is trained as it will be here. */
  training?: number;
}

/** A policy learns, a reward model judges. */
export type Role = 'policy' | 'reward';

/** What a model folder is made of; anything else in it is left behind. */
const WANTED = /\.(safetensors|json|jinja|txt|model)$/;

/** Above this a policy is no toy: an adapter is trained, in smaller batches and steps than the default. */
const TOY_PARAMETERS = 1_000_000;
const FOR_LARGER_POLICIES = {
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  max_prompt_length: 192,
  max_completion_length: 192,
  use_peft: true,
  gradient_checkpointing: true,
  learning_rate: 2e-5,
};

/** The models that a visitor brought, and which of them are to be used. */
export class Shelf {
  models = $state.raw<readonly ShelfModel[]>([]);
  /** Names; null is the model that comes with the page. */
  readonly chosen: Record<Role, string | null> = $state({ policy: null, reward: null });
  /** A model on its way into the browser's storage. */
  adding = $state.raw<{ name: string; share: number } | null>(null);
  /** Why the last model could not be taken, in a sentence. */
  error = $state<string | null>(null);

  /** Finds what earlier visits left. */
  async open(): Promise<void> {
    const names = await storedModels().catch(() => []);
    for (const name of names) {
      // What has become unreadable is not worth a message at every visit.
      await this.read(name, await storedFolder(name)).catch(() => removeStoredModel(name));
    }
  }

  /** Looks at the files, stores them, and chooses the model for its role. */
  async add(files: ReadonlyMap<string, File>): Promise<void> {
    this.error = null;
    try {
      const folder = droppedFolder(files);
      const name = folder.name;
      // Refused before anything is copied.
      await describeRole(folder);
      this.adding = { name, share: 0 };
      await storeModel(name, wantedFiles(files), (share) => (this.adding = { name, share }));
      const { role } = await this.read(name, await storedFolder(name));
      this.chosen[role] = name;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    this.adding = null;
  }

  async remove(name: string): Promise<void> {
    await removeStoredModel(name);
    this.models = this.models.filter((model) => model.name !== name);
    for (const role of ['policy', 'reward'] as const) {
      if (this.chosen[role] === name) this.chosen[role] = null;
    }
  }

  /** Recipe keys for the chosen models. */
  get recipe(): RecipeValues {
    const { policy, reward } = this.chosen;
    const learner = this.models.find(({ name }) => name === policy);
    return {
      ...(learner && { model_name_or_path: storedPath(learner.name) }),
      ...(reward !== null && { reward_model_name_or_path: storedPath(reward) }),
      ...(learner && learner.parameters > TOY_PARAMETERS && FOR_LARGER_POLICIES),
    };
  }

  private async read(name: string, folder: CheckpointFolder): Promise<ShelfModel> {
    const model = { name, ...(await describeRole(folder)) };
    this.models = [...this.models.filter((other) => other.name !== name), model];
    return model;
  }
}

async function describeRole(folder: CheckpointFolder): Promise<Omit<ShelfModel, 'name'>> {
  const facts = await describeModel(folder);
  const { config, parameters } = facts;
  await requireJson(folder, 'tokenizer.json');
  if (config.kind === 'reward') return { role: 'reward', parameters };
  return { role: 'policy', parameters, training: await trainingMemory(facts) };
}

/** Planned without a device; loaded when first needed, since it knows every kernel. */
async function trainingMemory({ config, parameters, storage }: ModelFacts): Promise<number> {
  const [{ planTraining }, { makeRecipe }, { parse }] = await Promise.all([
    import('../../rl/memory-plan.ts'),
    import('../../rl/recipe.ts'),
    import('yaml'),
  ]);
  const recipe = makeRecipe({
    ...(parse(defaultRecipe) as Record<string, unknown>),
    ...(parameters > TOY_PARAMETERS && FOR_LARGER_POLICIES),
  });
  return planTraining(recipe, { config, storage }, Infinity).total;
}

/** By name alone: of files with one name the outermost counts, as in droppedFolder. */
function wantedFiles(files: ReadonlyMap<string, File>): Map<string, File> {
  const innermostFirst = [...files].sort(([a], [b]) => b.split('/').length - a.split('/').length);
  return new Map(
    innermostFirst
      .map(([path, file]): [string, File] => [path.slice(path.lastIndexOf('/') + 1), file])
      .filter(([name]) => WANTED.test(name)),
  );
}
