/**
 * LoRA adapters as peft stores them: adapter_config.json and adapter_model.safetensors, whose tensors
 * are called base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight [r, in] and
 * lora_B.weight [out, r]. The adapter of a sequence classifier (SEQ_CLS) also has the whole score
 * head (peft's modules_to_save): base_model.model.score.weight [1, hidden].
 */
import { CheckpointError } from './errors.ts';
import { readJson, type CheckpointFolder, type FileContents } from './files.ts';
import type { ParameterLayout } from './parameters.ts';
import { FUSED, groupOf, PROJECTIONS, type Projection } from './projections.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';

export { PROJECTIONS, type Projection };

/** peft's task_type: CAUSAL_LM predicts tokens, SEQ_CLS a score, as reward and value models do. */
export type LoraTask = 'CAUSAL_LM' | 'SEQ_CLS';

export interface LoraConfig {
  task: LoraTask;
  r: number;
  alpha: number;
  /** The projections that have factors, in every layer. */
  targets: readonly Projection[];
  /** The base model, as adapter_config.json names it: a folder, or a model of the Hugging Face Hub. */
  base?: string | undefined;
}

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The score head: all of it trains, next to the factors. */
export const SCORE_TENSOR = 'base_model.model.score.weight';

export function loraTensor(layer: number, projection: Projection, factor: 'A' | 'B'): string {
  return `base_model.model.model.layers.${layer}.${groupOf(projection)}.${projection}.lora_${factor}.weight`;
}

/** The name of the weight (`model.layers.N...weight`) that a factor belongs to. */
export function adaptedTensor(name: string): string {
  return name.replace(/^base_model\.model\./, '').replace(/\.lora_[AB]\.weight$/, '.weight');
}

/**
 * Reads adapter_config.json; undefined when the folder has no adapter.
 * @throws CheckpointError for a kind of adapter that is not supported
 */
export async function readAdapterConfig(folder: CheckpointFolder): Promise<LoraConfig | undefined> {
  const json = await readJson(folder, ADAPTER_CONFIG);
  if (!json) return undefined;
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${folder.name}/${ADAPTER_CONFIG}: ${problem}`);
  };
  if (json.peft_type !== 'LORA') refuse('peft_type is not LORA; other adapters cannot be loaded');
  for (const key of ['use_dora', 'fan_in_fan_out'] as const) {
    if (json[key]) refuse(`${key} is set, which is not supported; train a plain LoRA adapter`);
  }
  for (const key of ['rank_pattern', 'alpha_pattern'] as const) {
    const pattern = json[key] as object | null | undefined;
    if (pattern && Object.keys(pattern).length > 0) {
      refuse(`${key} is set, which is not supported; train all projections with one rank`);
    }
  }
  const task = json.task_type === 'SEQ_CLS' ? 'SEQ_CLS' : 'CAUSAL_LM';
  checkSaved(json.modules_to_save, task, refuse);
  const { r, lora_alpha: alpha } = json;
  if (typeof r !== 'number' || r < 1 || typeof alpha !== 'number') {
    return refuse('r and lora_alpha must be numbers');
  }
  const base = json.base_model_name_or_path;
  return {
    task,
    r,
    // The scale of peft's rank-stabilised adapters is alpha / sqrt(r).
    alpha: json.use_rslora ? alpha * Math.sqrt(r) : alpha,
    targets: targetsOf(json.target_modules, refuse),
    base: typeof base === 'string' && base !== '' ? base : undefined,
  };
}

/** Next to the factors, only a classifier's score head may be saved; peft has two names for it. */
function checkSaved(value: unknown, task: LoraTask, refuse: (problem: string) => never): void {
  const saved = Array.isArray(value) ? (value as unknown[]) : [];
  const known: readonly unknown[] = task === 'SEQ_CLS' ? ['classifier', 'score'] : [];
  const other = saved.find((name) => !known.includes(name));
  if (other !== undefined) {
    refuse(`modules_to_save has ${JSON.stringify(other)}; only LoRA factors are supported`);
  }
}

function targetsOf(value: unknown, refuse: (problem: string) => never): readonly Projection[] {
  if (value === 'all-linear') return PROJECTIONS;
  const names = Array.isArray(value) ? (value as unknown[]) : [];
  const known: readonly Projection[] = [...PROJECTIONS, ...FUSED];
  const unknown = names.find((name) => !(known as readonly unknown[]).includes(name));
  if (names.length === 0 || unknown !== undefined) {
    const what = unknown === undefined ? 'names no projection' : `has ${JSON.stringify(unknown)}`;
    return refuse(`target_modules ${what}; known are ${known.join(', ')}`);
  }
  return known.filter((name) => names.includes(name));
}

/**
 * Opens an adapter's factors; none is read yet.
 * @param layout where they go: of the base's config and the adapter's
 * @throws CheckpointError when they are not those of this base
 */
export async function openAdapter(
  folder: CheckpointFolder,
  { parameters }: ParameterLayout,
): Promise<StoredTensor[]> {
  const source = await folder.open(ADAPTER_WEIGHTS);
  if (!source) {
    throw new CheckpointError(
      `${folder.name} has no ${ADAPTER_WEIGHTS}; choose a folder that peft saved`,
    );
  }
  const file = await SafetensorsFile.open(source);
  const wrong = (problem: string): never => {
    throw new CheckpointError(
      `${folder.name} is an adapter for another base: ${problem}; choose the model it was trained on`,
    );
  };
  for (const name of file.tensors.keys()) {
    if (!parameters.has(name)) wrong(`the base has no place for ${name}`);
  }
  return [...parameters].map(([name, { shape }]) => {
    const entry = file.tensors.get(name) ?? wrong(`it has no ${name}`);
    if (entry.shape.join() !== shape.join()) {
      wrong(`${name} is [${entry.shape.join(', ')}], the base takes [${shape.join(', ')}]`);
    }
    return { name, shape, dtype: entry.dtype, file };
  });
}

/**
 * The two files of an adapter, by name.
 * @param weights adapter_model.safetensors
 */
export function encodeAdapter(
  { task, r, alpha, targets, base }: LoraConfig,
  weights: FileContents,
): Map<string, FileContents> {
  const config = {
    peft_type: 'LORA',
    task_type: task,
    base_model_name_or_path: base ?? null,
    r,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: targets,
    modules_to_save: task === 'SEQ_CLS' ? ['score'] : null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    use_rslora: false,
    use_dora: false,
  };
  return new Map([
    [ADAPTER_CONFIG, JSON.stringify(config, null, 2) + '\n'],
    [ADAPTER_WEIGHTS, weights],
  ]);
}
