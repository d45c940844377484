/**
 * Reads the adapter_config.json of peft (0.21). Every field that changes numbers is computed, or
 * refused by name; so is a field that is not known here and is set.
 */
import { CheckpointError, shown } from './errors.ts';
import { readJson, type CheckpointFolder } from './files.ts';
import { adapterFile, factorOf } from './open-adapter.ts';
import {
  ADAPTER_CONFIG,
  groupOf,
  layerOf,
  moduleName,
  PROJECTIONS,
  type LoraConfig,
  type LoraTask,
  type Projection,
} from './peft.ts';
import { moduleMatcher } from './module-names.ts';
import { ALL_PROJECTIONS } from './projections.ts';

type Json = Readonly<Record<string, unknown>>;
type Refuse = (problem: string) => never;

const MERGE = 'merge the adapter in peft (merge_and_unload) and load the merged model';

/** Fields that change what an adapter computes, in a way that is not computed here. */
const NOT_COMPUTED = new Map(
  Object.entries({
    use_dora: 'DoRA',
    use_qalora: 'QALoRA',
    use_bdlora: 'BD-LoRA',
    lora_bias: 'biases of the factors',
    fan_in_fan_out: 'transposed weights',
    trainable_token_indices: 'trained rows of the embedding',
    target_parameters: 'factors of parameters outside linear layers',
    alora_invocation_tokens: 'activated LoRA',
    layer_replication: 'replicated layers',
    arrow_config: 'Arrow routing',
    kasa_config: 'KaSA',
    monteclora_config: 'MonteCLoRA',
    velora_config: 'VeLoRA',
    megatron_config: "Megatron's layers",
  }),
);

/** Fields that are read below, or have no effect on a saved adapter. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['peft_type', 'task_type', 'base_model_name_or_path', 'revision', 'peft_version'],
  ...['auto_mapping', 'inference_mode', 'runtime_config', 'r', 'lora_alpha', 'use_rslora'],
  ...['rank_pattern', 'alpha_pattern', 'target_modules', 'exclude_modules', 'modules_to_save'],
  ...['layers_to_transform', 'layers_pattern', 'bias', 'lora_dropout', 'init_lora_weights'],
  ...['eva_config', 'corda_config', 'loftq_config', 'lora_ga_config', 'megatron_core'],
  ...['qalora_group_size', 'ensure_weight_tying'],
]);

/** Ways to begin that leave the base as it is. The others (PiSSA, OLoRA, LoftQ ...) change it. */
const PLAIN_STARTS: readonly unknown[] = ['gaussian', 'orthogonal', 'eva', 'mica'];

const TASKS: readonly LoraTask[] = ['CAUSAL_LM', 'SEQ_CLS'];

/** Larger ranks than this are not believed. */
const LARGEST_RANK = 16384;

/**
 * Reads adapter_config.json; undefined when the folder has no adapter.
 * @throws CheckpointError for a kind of adapter that is not supported
 */
export async function readAdapterConfig(folder: CheckpointFolder): Promise<LoraConfig | undefined> {
  const json = await readJson(folder, ADAPTER_CONFIG);
  if (!json) return undefined;
  const refuse: Refuse = (problem) => {
    throw new CheckpointError(`${folder.name}/${ADAPTER_CONFIG}: ${problem}`);
  };
  if (json.peft_type !== 'LORA')
    refuse(`peft_type is ${shown(json.peft_type)}; only adapters of the type LORA can be loaded`);
  refuseFields(json, refuse);
  const task =
    TASKS.find((one) => one === (json.task_type ?? taskBySaved(json))) ??
    refuse(`task_type is ${shown(json.task_type)}; it must be CAUSAL_LM or SEQ_CLS`);
  checkSaved(json, task, refuse);
  const r = json.r;
  if (!Number.isSafeInteger(r) || (r as number) < 1 || (r as number) > LARGEST_RANK) {
    return refuse(`r is ${shown(r)}; it must be a whole number from 1 to ${LARGEST_RANK}`);
  }
  const alpha = json.lora_alpha;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) {
    return refuse(`lora_alpha is ${shown(alpha)}; it must be a number`);
  }
  refusePattern(json, 'rank_pattern', r, refuse);
  refusePattern(json, 'alpha_pattern', alpha, refuse);
  const base = json.base_model_name_or_path;
  return {
    task,
    r: r as number,
    // The scale of peft's rank-stabilised adapters is alpha / sqrt(r).
    alpha: json.use_rslora ? alpha * Math.sqrt(r as number) : alpha,
    ...(await targetsOf(json, folder, refuse)),
    base: typeof base === 'string' && base !== '' ? base : undefined,
  };
}

function refuseFields(json: Json, refuse: Refuse): void {
  for (const [field, value] of Object.entries(json)) {
    if (!isSet(value)) continue;
    const what = NOT_COMPUTED.get(field);
    if (what !== undefined) {
      refuse(`${field} is set (${what}), which is not supported; ${MERGE}`);
    }
    if (!KNOWN.has(field)) {
      refuse(
        `${field} is ${shown(value)}, and this field is not known here, so it may change the ` +
          'numbers; remove it if it does not',
      );
    }
  }
  const start = json.init_lora_weights ?? true;
  if (typeof start !== 'boolean' && !PLAIN_STARTS.includes(start)) {
    refuse(
      `init_lora_weights is ${shown(start)}, which changes the base too; save the adapter in peft ` +
        'with path_initial_model_for_weight_conversion, or merge it',
    );
  }
}

/** Not null, false, 0 or empty. */
function isSet(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A pattern that names the common value changes nothing. */
function refusePattern(json: Json, field: string, common: unknown, refuse: Refuse): void {
  const pattern = json[field] ?? {};
  const isObject = typeof pattern === 'object' && !Array.isArray(pattern);
  if (isObject && Object.values(pattern).every((value) => value === common)) return;
  refuse(
    `${field} is set, which is not supported: all projections must have one rank and one alpha; ${MERGE}`,
  );
}

/** peft's two names for a classifier's score head. */
const HEADS: readonly unknown[] = ['classifier', 'score'];

const savedModules = ({ modules_to_save: saved }: Json): readonly unknown[] =>
  Array.isArray(saved) ? (saved as unknown[]) : [];

/** Where task_type is null, an adapter with a score head is a classifier's. */
const taskBySaved = (json: Json): LoraTask =>
  savedModules(json).some((name) => HEADS.includes(name)) ? 'SEQ_CLS' : 'CAUSAL_LM';

/** Next to the factors, only a classifier's score head may be saved. */
function checkSaved(json: Json, task: LoraTask, refuse: Refuse): void {
  const known = task === 'SEQ_CLS' ? HEADS : [];
  const other = savedModules(json).find((name) => !known.includes(name));
  if (other !== undefined) {
    refuse(`modules_to_save has ${shown(other)}; only LoRA factors are supported, so ${MERGE}`);
  }
}

/**
 * The projections with factors. If they are not in every layer, or target_modules is a regular
 * expression, the tensors of the file say which modules have them, as peft saved them.
 */
async function targetsOf(
  json: Json,
  folder: CheckpointFolder,
  refuse: Refuse,
): Promise<Pick<LoraConfig, 'targets' | 'modules'>> {
  const { target_modules: wanted, exclude_modules: excluded } = json;
  const isText = typeof wanted === 'string' && wanted !== '';
  const isPattern = isText && wanted.toLowerCase() !== 'all-linear';
  const names = isText && !isPattern ? PROJECTIONS : wanted;
  const layers = layersOf(json, refuse);
  if (isText && layers) {
    refuse('layers_to_transform has no meaning when target_modules is a text; remove one of them');
  }
  if (!isPattern) checkNames('target_modules', names, refuse);
  if (isSet(excluded) && typeof excluded !== 'string') {
    checkTexts('exclude_modules', excluded, refuse);
  }
  const listed = isPattern ? [] : (names as readonly string[]);
  if (!isPattern && !isSet(excluded) && !layers && listed.every(isProjection)) {
    return { targets: ALL_PROJECTIONS.filter((name) => listed.includes(name)) };
  }
  const isWanted = moduleMatcher('target_modules', isPattern ? wanted : listed, refuse, layers);
  const isExcluded = moduleMatcher('exclude_modules', excluded as string | string[] | null, refuse);
  const isTarget = (module: string): boolean => isWanted(module) && !isExcluded(module);
  const saved = await modulesInFile(folder);
  const inFile = [...saved.keys()];
  // An adapter of a larger model has names of its own, and its patterns are made for them.
  const extra = inFile.find((module) => !isTarget(module) && !isTarget(saved.get(module)!));
  if (extra !== undefined) {
    refuse(
      `the adapter has factors for ${extra}, which target_modules, exclude_modules and ` +
        'layers_to_transform leave out; take both files from the same adapter',
    );
  }
  const targets = ALL_PROJECTIONS.filter((name) => inFile.some((m) => m.endsWith(`.${name}`)));
  // A pattern may match projections that other families have.
  const projections = isPattern ? targets : ALL_PROJECTIONS;
  const missing = (layers ?? [...new Set(inFile.map(layerOf))])
    .flatMap((layer) => projections.map((projection) => moduleName(layer, projection)))
    .find((module) => isTarget(module) && !saved.has(module));
  if (missing !== undefined || inFile.length === 0) {
    refuse(
      `the adapter has no factors for ${missing ?? 'any projection'}; take both files from the same ` +
        'adapter',
    );
  }
  return { targets, modules: inFile };
}

const isProjection = (name: string): name is Projection =>
  (ALL_PROJECTIONS as readonly string[]).includes(name);

/** Projections, or longer names of their modules: "self_attn.q_proj", "model.layers.1.mlp.up_proj". */
function checkNames(field: string, value: unknown, refuse: Refuse): void {
  const names = checkTexts(field, value, refuse);
  const unknown = names.find((name) => {
    const [, group, projection = ''] =
      /^(?:(?:(?:model\.)?layers\.)?\d+\.(?=\w+\.))?(?:(\w+)\.)?(\w+)$/.exec(name) ?? [];
    return !isProjection(projection) || (group !== undefined && group !== groupOf(projection));
  });
  if (names.length === 0 || unknown !== undefined) {
    const what = unknown === undefined ? 'names no projection' : `has ${shown(unknown)}`;
    refuse(`${field} ${what}; known are ${ALL_PROJECTIONS.join(', ')}, so ${MERGE}`);
  }
}

function checkTexts(field: string, value: unknown, refuse: Refuse): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [];
  const isTexts = (list: readonly unknown[]): list is readonly string[] =>
    list.every((name) => typeof name === 'string');
  if (!Array.isArray(value ?? []) || !isTexts(names)) {
    return refuse(`${field} is ${shown(value)}; it must be a text or a list of texts`);
  }
  return names;
}

/** layers_to_transform: one layer or a list; undefined for all. */
function layersOf(json: Json, refuse: Refuse): readonly number[] | undefined {
  const { layers_to_transform: value, layers_pattern: pattern } = json;
  if (value === null || value === undefined) return undefined;
  const layers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (layers.length === 0) return undefined;
  const isLayers = (list: readonly unknown[]): list is readonly number[] =>
    list.every((layer) => Number.isSafeInteger(layer) && (layer as number) >= 0);
  if (!isLayers(layers)) {
    return refuse(`layers_to_transform is ${shown(value)}; it must be numbers of layers`);
  }
  const patterns: readonly unknown[] = Array.isArray(pattern) ? pattern : [pattern];
  if (isSet(pattern) && !patterns.includes('layers')) {
    refuse(`layers_pattern is ${shown(pattern)}; the layers of supported models are called layers`);
  }
  return layers;
}

/** The modules with factors, each with the name that the file has for it. */
async function modulesInFile(folder: CheckpointFolder): Promise<Map<string, string>> {
  const names = [...(await adapterFile(folder)).tensors.keys()];
  return new Map(
    names.flatMap((name) => {
      const factor = factorOf(name);
      const own = name.replace(/^base_model\.model\./, '').replace(/\.lora_[AB]\..*$/, '');
      return factor ? [[moduleName(factor.layer, factor.projection), own] as const] : [];
    }),
  );
}
