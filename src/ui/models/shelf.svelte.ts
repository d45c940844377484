import { messageOf } from '../../app/message-of.ts';
import {
  removeStoredModel,
  storedFiles,
  storedModels,
  storeModel,
  sweepStoredModels,
} from '../../model/stored-models.ts';
import { freeName } from '../../model/same-files.ts';
import { baseAmong, SHIPPED, storedPath } from '../../app/page-paths.ts';
import type { Inspected, Role } from '../../app/inspect.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { recall, remember } from '../remembered.ts';
import type { DroppedFiles } from './dropped-files.ts';
import { modelsAmong, type DroppedModel } from './dropped-models.ts';
import { Fit } from './fit.svelte.ts';
import { inspectModel, modelsWorker } from './models-worker.ts';

export type { Role };

export interface ShelfModel extends Inspected {
  name: string;
  /** On disk. */
  bytes: number;
}

/** A stored model that cannot be used, with the reason in a sentence. */
interface Unusable {
  name: string;
  problem: string;
}

/** A larger policy is trained by an adapter, with smaller batches and steps than the default. */
const TOY_PARAMETERS = 1_000_000;
const FOR_LARGER_POLICIES = {
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  max_prompt_length: 192,
  max_completion_length: 192,
  use_peft: true,
  gradient_checkpointing: true,
  learning_rate: 2e-5,
  eval_num_prompts: 16,
};

/**
 * A model that was not made to think rarely ends its thought; half of the completion is then kept for the
 * response.
 */
const FOR_UNTRAINED_THINKERS = { max_thought_length: 96 };

/** The recipe keys that belong to one policy: they do not apply to the next that is chosen. */
export const KEYS_OF_A_POLICY = [
  'model_name_or_path',
  'use_peft',
  'lora_r',
  'lora_alpha',
  'lora_target_modules',
  'load_in_8bit',
  'load_in_4bit',
  'gradient_checkpointing',
  'gradient_accumulation_steps',
  'per_device_train_batch_size',
  'max_prompt_length',
  'max_completion_length',
  'max_thought_length',
];

/** Where the next visit finds the chosen policy. */
const KEY = 'policy-choice';

/** The models that a visitor brought, and which of them is trained. */
export class Shelf {
  models = $state.raw<readonly ShelfModel[]>([]);
  unusable = $state.raw<readonly Unusable[]>([]);
  /** A name; null is the model that comes with the page. */
  readonly chosen: { policy: string | null } = $state({ policy: null });
  /** A model on its way into the browser's storage. */
  storing = $state.raw<{ name: string; share: number } | null>(null);
  /** Why models could not be stored, a sentence each. */
  problems = $state.raw<readonly string[]>([]);
  /** What the next run takes of the graphics card. */
  readonly fit = new Fit();
  private cancelling: AbortController | undefined;
  /** Settled when no model is being stored. */
  private adding: Promise<void> = Promise.resolve();
  private remembers = false;

  constructor(
    private readonly listener: {
      /** Gets the name of a reward model that was brought. */
      onReward: (name: string) => void;
      /** Another policy was chosen. */
      onPolicy: () => void;
    },
  ) {}

  /**
   * Reads the models of earlier visits. With `remembers` it also restores the policy that the last
   * visit chose, and stores every later choice.
   */
  async open(remembers: boolean): Promise<void> {
    void this.fit.open();
    await sweepStoredModels().catch(() => undefined);
    await this.lookAgain();
    if (!remembers) return;
    const kept = await recall<string | null>(KEY);
    this.remembers = true;
    // The visitor may have chosen meanwhile.
    if (!kept || this.chosen.policy !== null) return;
    if (this.policies.some(({ name }) => name === kept)) this.chosen.policy = kept;
    else
      this.problems = [
        `${kept}, chosen at your last visit, cannot be used any more; choose another model.`,
      ];
  }

  /** Reads the stored models again. */
  async lookAgain(): Promise<void> {
    const names = await storedModels().catch(() => []);
    for (const name of names) await this.read(name);
  }

  /** Looks at each model among the files, stores it, and chooses a policy; one drop after the other. */
  add(dropped: DroppedFiles): Promise<void> {
    const added = this.adding.then(() => this.addNow(dropped));
    this.adding = added.catch(() => undefined);
    return added;
  }

  private async addNow(dropped: DroppedFiles): Promise<void> {
    const models = modelsAmong(dropped);
    this.problems =
      models.length > 0
        ? []
        : [
            'There is no model in these files; drop a folder with config.json, tokenizer.json and safetensors, or a GGUF file.',
          ];
    // An adapter is inspected together with its base, which may be in the same drop.
    const adaptersLast = [
      ...models.filter(({ files }) => !files.has('adapter_config.json')),
      ...models.filter(({ files }) => files.has('adapter_config.json')),
    ];
    this.cancelling = new AbortController();
    const { signal } = this.cancelling;
    for (const model of adaptersLast) {
      if (signal.aborted) break;
      await this.store(model, signal).catch((error: unknown) => {
        if (!signal.aborted) this.problems = [...this.problems, messageOf(error)];
      });
      this.storing = null;
    }
  }

  /** Cancels storing; nothing of the model stays. */
  cancel(): void {
    this.cancelling?.abort();
  }

  async remove(name: string): Promise<void> {
    await removeStoredModel(name);
    this.models = this.models.filter((model) => model.name !== name);
    this.unusable = this.unusable.filter((model) => model.name !== name);
    if (this.chosen.policy === name) this.choose(null);
  }

  /** Chooses the policy to train. */
  choose(name: string | null): void {
    this.chosen.policy = name;
    this.listener.onPolicy();
    if (this.remembers) void remember(KEY, name);
  }

  /** The models that can be used; an adapter needs its base. */
  get usable(): readonly ShelfModel[] {
    return this.models.filter((model) => !model.lora || this.hasBase(model));
  }

  /** The policies to choose from. */
  get policies(): readonly ShelfModel[] {
    return this.usable.filter(({ role }) => role === 'policy');
  }

  /** Whether an adapter's base is stored, or comes with the page. */
  hasBase(model: ShelfModel): boolean {
    return this.baseOf(model) !== undefined || (model.lora?.base?.startsWith(SHIPPED) ?? false);
  }

  /** Whether the chosen policy is an adapter that was trained before. */
  get learnsAdapter(): boolean {
    return this.models.some(({ name, lora }) => name === this.chosen.policy && lora);
  }

  /**
   * Whether the model at a path of a recipe knows dinners: a model that comes with the page, an adapter
   * of one, or a model as small as those.
   */
  isDinner(path: string): boolean {
    const model = this.models.find(({ name }) => storedPath(name) === path);
    if (!model) return path.startsWith(SHIPPED);
    if (model.lora?.base?.startsWith(SHIPPED)) return true;
    return (this.baseOf(model) ?? model).parameters <= TOY_PARAMETERS;
  }

  /** The stored model that an adapter is for. */
  baseOf({ lora }: ShelfModel): ShelfModel | undefined {
    const bases = this.models.filter(
      (model) => !model.lora && (model.role === 'policy' || lora?.task === 'SEQ_CLS'),
    );
    const names = bases.map(({ name }) => name);
    const base = lora?.base === undefined ? undefined : baseAmong(names, lora.base);
    return this.models.find(({ name }) => name === base);
  }

  /** Recipe keys that the chosen policy needs. */
  get recipe(): RecipeValues {
    const learner = this.models.find(({ name }) => name === this.chosen.policy);
    return learner ? this.recipeOf(learner) : {};
  }

  private recipeOf(learner: ShelfModel): RecipeValues {
    const { parameters, madeToThink } = this.baseOf(learner) ?? learner;
    const { lora } = learner;
    return {
      model_name_or_path: storedPath(learner.name),
      ...(parameters > TOY_PARAMETERS && FOR_LARGER_POLICIES),
      ...(parameters > TOY_PARAMETERS && madeToThink === false && FOR_UNTRAINED_THINKERS),
      ...(lora && {
        use_peft: true,
        lora_r: lora.r,
        lora_alpha: lora.alpha,
        lora_target_modules: lora.targets,
      }),
    };
  }

  private async store(model: DroppedModel, signal: AbortSignal): Promise<void> {
    const { name: wanted, files } = model;
    this.storing = { name: wanted, share: 0 };
    // Inspected first: a refused model is not copied.
    await inspectModel(model, signal);
    const { name, isThere } = await freeName(wanted, files, (stored) =>
      storedFiles(stored).catch(() => undefined),
    );
    // Without this, a browser that runs short of space may delete models.
    void navigator.storage.persist().catch(() => false);
    const onProgress = (share: number): void => void (this.storing = { name, share });
    if (!isThere) await storeModel(name, files, { wanted, signal, onProgress });
    await this.read(name);
    // Adapters that waited for this base can be inspected with it.
    for (const model of this.models) {
      if (model.lora && this.baseOf(model)?.name === name) await this.read(model.name);
    }
    const stored = this.models.find((model) => model.name === name);
    if (!stored || !this.usable.includes(stored)) return;
    if (stored.role === 'reward') this.listener.onReward(name);
    else this.choose(name);
  }

  private async read(name: string): Promise<void> {
    const others = <T extends { name: string }>(list: readonly T[]): T[] =>
      list.filter((other) => other.name !== name);
    try {
      const model = { name, ...(await modelsWorker().describe(name)) };
      this.models = [...others(this.models), model];
      this.unusable = others(this.unusable);
    } catch (error) {
      this.models = others(this.models);
      this.unusable = [...others(this.unusable), { name, problem: messageOf(error) }];
    }
  }
}
