import { describeModel, type ModelFacts } from '../model/describe.ts';
import { nodeFolder } from '../model/node-files.ts';
import { formatBytes } from '../rl/format.ts';
import { memoryAdvice, planGeneration, planTraining } from '../rl/memory-plan.ts';
import { makeRecipe, type Recipe } from '../rl/recipe.ts';
import { recipeKeys } from '../rl/recipe/keys.ts';
import { defineCommand } from './command.ts';
import { modelOption } from './open.ts';
import { table } from './text.ts';

const { per_device_train_batch_size, num_generations, max_prompt_length } = recipeKeys;
const { max_completion_length, lora_r, gradient_checkpointing } = recipeKeys;
const { load_in_8bit, load_in_4bit } = recipeKeys;

export const info = defineCommand({
  name: 'info',
  summary: 'What a model folder holds, and the memory it takes to run and to train.',
  options: {
    ...modelOption,
    per_device_train_batch_size,
    num_generations,
    max_prompt_length,
    max_completion_length,
    ...{ lora_r, load_in_8bit, load_in_4bit, gradient_checkpointing },
    memory_gb: {
      type: 'number',
      optional: true,
      above: 0,
      help: 'Memory of the graphics card in GB, which no program can ask for: says what fits.',
    },
  },
  notes: 'memory.run, memory.lora and memory.full are bytes for GRPO with these sizes.',
  async run({ options: { model, memory_gb: limit, ...sizes } }) {
    const folder = await nodeFolder(model);
    const facts = await describeModel(folder);
    const { config, parameters, dtypes } = facts;
    const memory = plans(facts, sizes);
    const needs = Object.entries(memory).map(([what, { plan, recipe }]) => {
      const fits = limit === undefined || plan.total <= 1e9 * limit;
      return [what, { bytes: plan.total, ...(!fits && { advice: memoryAdvice(plan, recipe) }) }];
    });
    return {
      model: folder.name,
      family: config.family,
      kind: config.kind,
      parameters,
      dtype: dtypes.join(', '),
      layers: config.layers,
      hidden_size: config.hiddenSize,
      heads: config.heads,
      kv_heads: config.kvHeads,
      vocab_size: config.vocabSize,
      memory: {
        run: memory.run.plan.total,
        lora: memory.lora.plan.total,
        full: memory.full.plan.total,
      },
      ...(limit !== undefined && {
        advice: Object.fromEntries(needs) as Record<string, { bytes: number; advice?: string }>,
      }),
    };
  },
  format: ({ memory, advice, ...facts }) => {
    const row = (what: string, key: 'run' | 'lora' | 'full'): string[] => {
      const change = advice?.[key]?.advice;
      const verdict = change ? `  does not fit: ${change}` : advice ? '  fits' : '';
      return [what, formatBytes(memory[key]) + verdict];
    };
    return table([
      ...Object.entries(facts).map(([key, value]) => [key.replaceAll('_', ' '), String(value)]),
      row('memory to run', 'run'),
      row('memory to train an adapter', 'lora'),
      row('memory to train all weights', 'full'),
    ]);
  },
});

/** The three ways to use a model, planned for an adapter that can bind whatever is asked. */
function plans(facts: ModelFacts, sizes: Readonly<Partial<Recipe>>) {
  const { load_in_8bit: in8, load_in_4bit: in4, ...others } = sizes;
  const given = {
    ...others,
    algorithm: 'grpo',
    model_name_or_path: 'model',
    reward_model_name_or_path: 'reward',
    world: 'meal-planner',
  };
  const full = makeRecipe(given);
  const lora = makeRecipe({ ...given, use_peft: true, load_in_8bit: in8, load_in_4bit: in4 });
  const layers = in4 ? 'int4' : in8 ? 'int8' : facts.storage.layers;
  const frozen = { config: facts.config, storage: { ...facts.storage, layers } };
  return {
    run: { plan: planGeneration(full, frozen, Infinity), recipe: full },
    lora: { plan: planTraining(lora, frozen, Infinity), recipe: lora },
    full: { plan: planTraining(full, frozen, Infinity), recipe: full },
  };
}
