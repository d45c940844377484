/**
 * LoRA adapters as peft stores them: adapter_config.json and adapter_model.safetensors, whose tensors
 * are called base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight [r, in] and
 * lora_B.weight [out, r]. The adapter of a sequence classifier (SEQ_CLS) also has the whole score
 * head (peft's modules_to_save): base_model.model.score.weight [1, hidden].
 */
import type { FileContents } from './files.ts';
import { groupOf, PROJECTIONS, type Projection } from './projections.ts';

export { groupOf, PROJECTIONS, type Projection };

/** peft's task_type: CAUSAL_LM predicts tokens, SEQ_CLS a score, as reward and value models do. */
export type LoraTask = 'CAUSAL_LM' | 'SEQ_CLS';

export interface LoraConfig {
  task: LoraTask;
  r: number;
  alpha: number;
  /** The projections that have factors, in every layer, or in `modules` alone. */
  targets: readonly Projection[];
  /**
   * Names of modules (model.layers.1.self_attn.q_proj), if the files have no factors for the targets in
   * other layers. The factors there are zero and stay zero in training, which is the same as none.
   */
  modules?: readonly string[];
  /** The base model, as adapter_config.json names it: a folder, or a model of the Hugging Face Hub. */
  base?: string | undefined;
}

/** The last part of the path or name by which an adapter names its base, on whichever system it was trained. */
export const baseName = (base: string): string =>
  base.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '');

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The score head: all of it trains, next to the factors. */
export const SCORE_TENSOR = 'base_model.model.score.weight';

/** The name of a projection's module in the base. */
export const moduleName = (layer: number, projection: Projection): string =>
  `model.layers.${layer}.${groupOf(projection)}.${projection}`;

/** Of a module of that name. */
export const layerOf = (module: string): number => Number(/\blayers\.(\d+)\./.exec(module)?.[1]);

export function loraTensor(layer: number, projection: Projection, factor: 'A' | 'B'): string {
  return `base_model.model.${moduleName(layer, projection)}.lora_${factor}.weight`;
}

/** The name of the weight (`model.layers.N...weight`) that a factor belongs to. */
export function adaptedTensor(name: string): string {
  return name.replace(/^base_model\.model\./, '').replace(/\.lora_[AB]\.weight$/, '.weight');
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
