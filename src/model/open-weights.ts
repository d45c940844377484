/** Opens the weight files of a model's folder, and compares what they hold with its config. */
import { decode } from '../gpu/storage.ts';
import type { ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import { weightFiles, type CheckpointFolder } from './files.ts';
import { layoutParameters, type WeightStorage } from './parameters.ts';
import { SafetensorsFile, type StoredTensor } from './safetensors.ts';
import type { Dtype } from './safetensors-header.ts';
import { nameReader, plainName } from './tensor-names.ts';

export const SCORE = 'score.weight';
const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

export interface OpenedWeights {
  /**
   * As it was given. But if it ties the head to the embedding, and the files have a head of other
   * values, it does not, as in transformers 5.
   */
  config: ModelConfig;
  tensors: StoredTensor[];
}

/**
 * Opens the weight files of `folder`, before any weight is read.
 * @param newScoreHead the folder is a causal checkpoint and has no score head
 * @throws CheckpointError for a tensor that is missing, unknown, or of another shape
 */
export async function openWeights(
  folder: CheckpointFolder,
  config: ModelConfig,
  newScoreHead = false,
): Promise<OpenedWeights> {
  const { parameters } = layoutParameters(config);
  const read = nameReader([...parameters.keys(), HEAD]);
  const found = new Map<string, StoredTensor>();
  let head: StoredTensor | undefined;
  const files = folder.quantised ? [folder.quantised()] : await weightFiles(folder);
  for (const source of files) {
    const file = (await SafetensorsFile.open(source)).renamed(read);
    for (const [name, { shape, dtype }] of file.tensors) {
      const tensor = { name, shape, dtype, file };
      const isTied = config.tieWordEmbeddings && name === HEAD;
      const wanted = parameters.get(isTied ? EMBEDDING : name)?.shape;
      if (!wanted && isUnused(config, name)) continue;
      checkShape(folder.name, tensor, wanted, config);
      if (isTied) head = tensor;
      else found.set(name, tensor);
    }
  }
  if (head && !found.has(EMBEDDING)) {
    found.set(EMBEDDING, asEmbedding(head));
    head = undefined;
  }
  const missing = [...parameters.keys()].filter(
    (name) => !found.has(name) && !(newScoreHead && name === SCORE),
  );
  if (missing.length > 0) {
    throw new CheckpointError(
      `${folder.name} has no tensor ${missing[0]} (${missing.length} of ${parameters.size} are ` +
        'missing); choose a complete checkpoint',
    );
  }
  const tensors = [...found.values()];
  if (!head || config.kind === 'reward') return { config, tensors };
  if (await sameValues(head, found.get(EMBEDDING)!)) return { config, tensors };
  return { config: { ...config, tieWordEmbeddings: false }, tensors: [...tensors, head] };
}

/** Of two names for one tensor, safetensors' save_model keeps the first: that of the head. */
const asEmbedding = (head: StoredTensor): StoredTensor => ({
  ...head,
  name: EMBEDDING,
  file: head.file.renamed((name) => (name === HEAD ? EMBEDDING : name)),
});

/** How frozen weights are stored on the GPU: as in the files; where types are mixed, in a wider one. */
export function weightStorage(
  tensors: readonly StoredTensor[],
  quantised?: 'int8' | 'int4',
): WeightStorage {
  const dtypes = (pattern: RegExp): Dtype[] => [
    ...new Set(tensors.filter(({ name }) => pattern.test(name)).map(({ dtype }) => dtype)),
  ];
  const matrices = dtypes(/_proj\.weight$/);
  return {
    layers: quantised ?? blockStorage(matrices) ?? plainStorage(matrices),
    tables: plainStorage(dtypes(/embed_tokens|lm_head/)),
  };
}

/** int8 holds int4 without loss. */
function blockStorage(dtypes: readonly Dtype[]): 'int8' | 'int4' | undefined {
  if (dtypes.length === 0 || !dtypes.every((type) => type.startsWith('BLOCK'))) return undefined;
  return dtypes.includes('BLOCK8') ? 'int8' : 'int4';
}

/** Of f16 and bf16, neither holds the other. */
function plainStorage(dtypes: readonly Dtype[]): 'f32' | 'f16' | 'bf16' {
  const [only] = dtypes;
  if (dtypes.length !== 1 || only === 'F32') return 'f32';
  return only === 'BF16' ? 'bf16' : 'f16';
}

/** Tensors that some checkpoints carry although the model does not read them. */
function isUnused({ kind }: ModelConfig, name: string): boolean {
  if (name.endsWith('rotary_emb.inv_freq')) return true;
  // A policy is often saved with the value head of its PPO run (TRL, OpenRLHF).
  return kind === 'reward' ? name === HEAD : /^(v_head|value_head)\./.test(plainName(name));
}

function checkShape(
  folder: string,
  { name, shape, file }: StoredTensor,
  wanted: readonly number[] | undefined,
  config: ModelConfig,
): void {
  const own = file.nameInFile(name);
  if (shape.includes(0)) {
    throw new CheckpointError(
      `${folder}: tensor ${own} is empty (shape [${shape.join(', ')}]), as DeepSpeed ZeRO-3 and FSDP save ` +
        'weights that were not gathered; gather them (zero_to_fp32.py does) and save the model again',
    );
  }
  if (!wanted) throw new CheckpointError(`${folder} has a tensor ${own}${whatToDo(own, config)}`);
  if (shape.join() !== wanted.join()) {
    throw new CheckpointError(
      `${folder}: tensor ${own} has shape [${shape.join(', ')}] but config.json asks for ` +
        `[${wanted.join(', ')}]; take both files from the same checkpoint`,
    );
  }
}

/** What bitsandbytes, GPTQ, AWQ and FP8 store beside or in place of weights. */
const QUANTISED =
  /\.(q(?:weight|zeros)|scales|g_idx|SCB|weight(?:_format|_scale|_scale_inv|_packed|_shape)|input_scale|.*absmax|.*quant_map|quant_state\..*)$/;

/** About a tensor that the config has no place for. */
function whatToDo(name: string, config: ModelConfig): string {
  const { kind } = config;
  const plain = plainName(name);
  if (/\.(base_layer|modules_to_save|original_module)\.|\.lora_/.test(name)) {
    return (
      ', so an adapter was saved together with its base; merge them (merge_and_unload in peft) and ' +
      'save the model again'
    );
  }
  if (kind === 'causal' && plain === SCORE) {
    return (
      ', the head of a reward model, but config.json describes a policy; to use it as a reward model, ' +
      'set architectures to its *ForSequenceClassification'
    );
  }
  if (kind === 'reward' && /^(v_head|value_head|classifier|regression_head)\./.test(plain)) {
    return `, but the head of a reward model is called ${SCORE} here; rename the tensor if it is that head`;
  }
  if (kind === 'reward' && (plain === 'mean' || plain === 'std')) {
    return (
      ', with which OpenRLHF normalises the scores; Ponder and transformers do not, so remove mean and ' +
      'std from the file to use the scores as they are'
    );
  }
  if (QUANTISED.test(name)) {
    return ', so its weights are quantised; choose its F32, F16 or BF16 version';
  }
  const known = [...layoutParameters(config).parameters.keys()].find((own) =>
    plain.endsWith(`.${plainName(own)}`),
  );
  if (known !== undefined) {
    return (
      `, which is ${known} with a prefix that is not known; save the model without what is around it, ` +
      'or remove the prefix from all names'
    );
  }
  return ', which its config.json has no place for; take both files from the same checkpoint';
}

/** Whether two tensors of one shape have the same numbers. They are read in pieces. */
async function sameValues(a: StoredTensor, b: StoredTensor): Promise<boolean> {
  // Pieces of different types would not have the same rows.
  if (a.dtype !== b.dtype) {
    return sameNumbers(await a.file.read(a.name), await b.file.read(b.name));
  }
  const others = b.file.parts(b.name);
  for await (const part of a.file.parts(a.name)) {
    const { value: other } = await others.next();
    const numbers = decode(part.storage, part.data);
    if (!other || !sameNumbers(numbers, decode(other.storage, other.data))) return false;
  }
  return true;
}

const sameNumbers = (a: Float32Array, b: Float32Array): boolean =>
  a.every((value, i) => value === b[i]);
