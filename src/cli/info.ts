import { loadChatTemplate } from '../model/chat-template.ts';
import { asRewardConfig, type ModelConfig } from '../model/config.ts';
import { attentionWords, describeCheckpoint, describeModel } from '../model/describe.ts';
import { CheckpointError } from '../model/errors.ts';
import { readJson, type CheckpointFolder } from '../model/files.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { memoryNeeds, type MemoryNeed } from '../app/fit.ts';
import { formatBytes } from '../app/format.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import { recipeKeys } from '../rl/recipe/keys.ts';
import { defineCommand } from './command.ts';
import { baseOption, modelOption, openAt } from './open.ts';
import { table } from './text.ts';

const { per_device_train_batch_size, num_generations, max_prompt_length } = recipeKeys;
const { max_completion_length, lora_r, gradient_checkpointing } = recipeKeys;
const { load_in_8bit, load_in_4bit, lora_target_modules } = recipeKeys;
const { reward_model_name_or_path, judge_model_name_or_path } = recipeKeys;

export const info = defineCommand({
  name: 'info',
  summary: 'Shows what a model folder contains, and the memory that it takes to run and to train.',
  options: {
    ...modelOption,
    ...baseOption,
    per_device_train_batch_size,
    num_generations,
    max_prompt_length,
    max_completion_length,
    ...{ lora_r, lora_target_modules, load_in_8bit, load_in_4bit, gradient_checkpointing },
    ...{ reward_model_name_or_path, judge_model_name_or_path },
    memory_gb: {
      type: 'number',
      optional: true,
      above: 0,
      help: 'Memory of the graphics card in GB, to check what fits; Ponder cannot find it out.',
    },
  },
  notes:
    'memory.run, memory.lora and memory.full are bytes for GRPO with these sizes and the given reward model and judge.',
  async run({ options: { model, base, memory_gb: limit, ...sizes } }) {
    const checkpoint = await openAt(model, base);
    const { base: folder, adapter, tokenizer } = checkpoint;
    const facts = await describeModel(folder);
    const { parameters, dtypes, ownHead } = facts;
    const own = adapter?.config;
    const config = own?.task === 'SEQ_CLS' ? asRewardConfig(facts.config) : facts.config;
    const attention = attentionWords(config);
    const models = {
      policy: { ...facts, lora: own },
      judges: await Promise.all(
        judgesOf(sizes).map(async (path) => describeCheckpoint(await openAt(path))),
      ),
    };
    const card = { memory: limit && 1e9 * limit, maxBinding: Infinity };
    const { run, lora, full } = memoryNeeds(valuesOf(sizes), models, card);
    return {
      model,
      ...(adapter && { base: folder.name, lora_r: adapter.config.r }),
      family: config.family,
      kind: config.kind,
      parameters,
      dtype: dtypes.join(', '),
      layers: config.layers,
      hidden_size: config.hiddenSize,
      heads: config.heads,
      kv_heads: config.kvHeads,
      vocab_size: config.vocabSize,
      max_position_embeddings: config.maxPositions,
      ...(attention && { attention }),
      ...(await textFacts(tokenizer, config)),
      ...(ownHead && { head: 'lm_head.weight, not the embedding as config.json says' }),
      memory: { run: run.bytes, lora: lora.bytes, full: full.bytes },
      ...(limit !== undefined && {
        advice: { run: advice(run), lora: advice(lora), full: advice(full) },
      }),
    };
  },
  format: ({ memory, advice, ...facts }) => {
    const row = (what: string, key: 'run' | 'lora' | 'full'): string[] => {
      const verdict = advice?.[key];
      return [what, formatBytes(memory[key]) + (verdict === undefined ? '' : `  ${verdict}`)];
    };
    return table([
      ...Object.entries(facts).map(([key, value]) => [key.replaceAll('_', ' '), String(value)]),
      row('memory to run', 'run'),
      row('memory to train an adapter', 'lora'),
      row('memory to train all weights', 'full'),
    ]);
  },
});

/** Which of several chat templates is used, and why texts cannot be read; empty if there is nothing to say. */
async function textFacts(
  folder: CheckpointFolder,
  { vocabSize, eosTokenIds }: Pick<ModelConfig, 'vocabSize' | 'eosTokenIds'>,
): Promise<{ chat_template?: string; tokenizer?: string }> {
  const template = await orWhyNot(async () => {
    const config = (await readJson(folder, 'tokenizer_config.json')) ?? {};
    return (await loadChatTemplate(folder, config))?.choice;
  });
  const tokenizer = await orWhyNot(async () => {
    (await Tokenizer.load(folder)).checkFits(vocabSize, eosTokenIds);
    return undefined;
  });
  return {
    ...(template !== undefined && { chat_template: template }),
    // A tokenizer is not loaded without its template.
    ...(tokenizer !== undefined && tokenizer !== template && { tokenizer }),
  };
}

function orWhyNot(read: () => Promise<string | undefined>): Promise<string | undefined> {
  return read().catch((error: unknown) => {
    if (!(error instanceof CheckpointError)) throw error;
    return `cannot be used: ${error.message}`;
  });
}

type Sizes = Readonly<Partial<Recipe>>;

/** A recipe of these sizes; its models and data are not opened. */
function valuesOf(sizes: Sizes): Readonly<Record<string, unknown>> {
  const given = Object.entries<unknown>(sizes).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(given),
    reward_model_name_or_path: sizes.reward_model_name_or_path ?? 'reward',
    algorithm: 'grpo',
    model_name_or_path: 'model',
    world: 'meal-planner',
  };
}

function judgesOf({
  reward_model_name_or_path: classifier,
  judge_model_name_or_path: judge,
}: Sizes) {
  return [classifier, judge].filter((path) => path !== undefined);
}

function advice({ problem, changes }: MemoryNeed): string {
  if (problem === undefined) return 'fits';
  const set = Object.entries(changes ?? {}).map(
    ([key, value]) => `${key}: ${JSON.stringify(value)}`,
  );
  return `does not fit: ${set.length > 0 ? `set ${set.join(', ')}` : 'choose a smaller model'}`;
}
