/** Opens the factors of an adapter, and compares them with its config and its base. */
import { CheckpointError } from './errors.ts';
import type { CheckpointFolder } from './files.ts';
import type { ParameterLayout } from './parameters.ts';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  adaptedTensor,
  type LoraConfig,
  type Projection,
} from './peft.ts';
import { ALL_PROJECTIONS } from './projections.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';
import { plainName } from './tensor-names.ts';

interface Factor {
  layer: number;
  projection: Projection;
}

/** The projection that a tensor of a file is a factor of; undefined if it is none. */
export function factorOf(name: string): Factor | undefined {
  const [, layer, projection] =
    /^layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_[AB]\.weight$/.exec(plainFactor(name)) ?? [];
  const known = ALL_PROJECTIONS.find((one) => one === projection);
  return known && { layer: Number(layer), projection: known };
}

/**
 * A name without wrappers, and without the name of the adapter, which peft leaves out when it saves
 * (lora_A.default.weight), and without modules_to_save.
 */
const plainFactor = (name: string): string =>
  plainName(name)
    .replace(/\.lora_([AB])\.[^.]+\.weight$/, '.lora_$1.weight')
    .replace(/^score\.modules_to_save\.(?:[^.]+\.)?weight$/, 'score.weight');

/** @throws CheckpointError when the folder has no adapter's weights */
export async function adapterFile(folder: CheckpointFolder): Promise<SafetensorsFile> {
  const source = await folder.open(ADAPTER_WEIGHTS);
  if (source) return SafetensorsFile.open(source);
  const advice = (await folder.open('adapter_model.bin'))
    ? 'save adapter_model.bin as safetensors (peft does by default)'
    : 'choose a folder that peft saved';
  throw new CheckpointError(`${folder.name} has no ${ADAPTER_WEIGHTS}; ${advice}`);
}

/**
 * Opens an adapter's factors; none is read yet. Those that the adapter leaves out are not among them.
 * @param layout where they go: of the base's config and the adapter's
 * @throws CheckpointError when they are not those of this config or this base
 */
export async function openAdapter(
  folder: CheckpointFolder,
  lora: LoraConfig,
  { parameters }: ParameterLayout,
): Promise<StoredTensor[]> {
  const byPlainName = new Map([...parameters.keys()].map((name) => [plainFactor(name), name]));
  const file = (await adapterFile(folder)).renamed((name) =>
    isUnused(name) ? name : (byPlainName.get(plainFactor(name)) ?? name),
  );
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${folder.name}/${ADAPTER_WEIGHTS} ${problem}`);
  };
  const otherBase = (problem: string): never => {
    throw new CheckpointError(
      `${folder.name} is an adapter for another base: ${problem}; choose the model it was trained on`,
    );
  };
  const layers = 1 + Math.max(-1, ...[...parameters.keys()].map((n) => factorOf(n)?.layer ?? -1));
  for (const [name, { shape }] of file.tensors) {
    const own = file.nameInFile(name);
    if (isUnused(own)) continue;
    if (shape.includes(0)) {
      refuse(
        `has the empty tensor ${own} (shape [${shape.join(', ')}]), as DeepSpeed ZeRO-3 and FSDP save ` +
          'weights that were not gathered; gather them and save the adapter again',
      );
    }
    const wanted = parameters.get(name)?.shape;
    if (!wanted) {
      const factor = factorOf(own);
      if (factor && factor.layer >= layers) {
        otherBase(`the base has ${layers} layers, and no place for ${own}`);
      }
      if (!factor && /\.lora_[AB]\.(?:[^.]+\.)?weight$/.test(own))
        otherBase(`the base has no place for ${own}`);
      refuse(`has a tensor ${own}${whyUnknown(own, factor)}`);
    } else if (shape.join() !== wanted.join()) {
      const rank = name.includes('.lora_A.') ? 0 : 1;
      const sameBase = shape.length === 2 && shape[1 - rank] === wanted[1 - rank];
      if (sameBase && name.includes('.lora_')) {
        refuse(
          `has ${own} of rank ${shape[rank]}, but ${ADAPTER_CONFIG} says r ${lora.r}; take both files ` +
            'from the same adapter',
        );
      }
      otherBase(`${own} is [${shape.join(', ')}], the base takes [${wanted.join(', ')}]`);
    }
  }
  const wanted = [...parameters].filter(
    ([name]) => !lora.modules || !factorOf(name) || lora.modules.includes(moduleOf(name)),
  );
  const missing = wanted.find(([name]) => !file.tensors.has(name))?.[0];
  if (missing !== undefined) {
    const has = Math.max(-1, ...[...file.tensors.keys()].map((n) => factorOf(n)?.layer ?? -1));
    const deeper = has >= 0 && (factorOf(missing)?.layer ?? -1) > has;
    if (deeper) otherBase(`it has no ${missing}`);
    refuse(`has no ${missing}, so it is not complete; copy the adapter again`);
  }
  return wanted.map(([name, { shape }]) => {
    const { dtype } = file.tensors.get(name)!;
    return { name, shape, dtype, file };
  });
}

const moduleOf = (name: string): string => adaptedTensor(name).replace(/\.weight$/, '');

/** The score head before training, which peft keeps beside the trained one. */
const isUnused = (name: string): boolean => /^score\.original_module\./.test(plainName(name));

/** About a tensor that the adapter's config has no place for. */
function whyUnknown(name: string, factor: Factor | undefined): string {
  if (factor) {
    return `, but target_modules in ${ADAPTER_CONFIG} has no ${factor.projection}; take both files from the same adapter`;
  }
  const merge = 'merge the adapter in peft (merge_and_unload) and load the merged model';
  if (name.endsWith('.bias'))
    return `, a trained bias (bias or lora_bias), which is not supported; ${merge}`;
  if (name.includes('lora_embedding_'))
    return `, LoRA of the embedding, which is not supported; ${merge}`;
  if (name.includes('trainable_tokens')) {
    return ` (trainable_token_indices), which is not supported; ${merge}`;
  }
  if (name.includes('lora_magnitude')) return `, of DoRA, which is not supported; ${merge}`;
  if (/(embed_tokens|lm_head|score)\./.test(name)) {
    return `, which replaces a whole tensor of the base, and that is not supported; ${merge}`;
  }
  return ' that is not a LoRA factor; save the adapter with save_pretrained of peft';
}
