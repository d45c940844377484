/** What a folder that somebody brings can be here, and whether it can be used at all. */
import { describeModel } from '../model/describe.ts';
import { checkpointConfig } from '../model/adapted.ts';
import { readConfig } from '../model/checkpoint.ts';
import { CheckpointError } from '../model/errors.ts';
import type { CheckpointFolder } from '../model/files.ts';
import { layoutAdapter } from '../model/lora.ts';
import { ADAPTER_WEIGHTS, openAdapter, readAdapterConfig, type LoraConfig } from '../model/peft.ts';
import { SafetensorsFile } from '../model/safetensors.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { judgedTokens } from '../rl/rewards/reward-model.ts';
import { promptText } from '../rl/rollout/thinking-template.ts';

/** A policy learns, a reward model judges; an adapter makes either of another model. */
export type Role = 'policy' | 'reward';

export interface Inspected {
  role: Role;
  /** Empty for an adapter, whose files do not say. */
  family: string;
  parameters: number;
  /** Element types in the files. */
  dtype: string;
  /** Of an adapter. */
  lora?: LoraConfig;
}

/**
 * From the config and the headers of the weight files.
 * @param openBase where an adapter's base is; undefined when it is not here (yet)
 * @throws CheckpointError for whatever would keep it from being loaded
 */
export async function inspectFolder(
  folder: CheckpointFolder,
  openBase: (name: string) => Promise<CheckpointFolder | undefined>,
): Promise<Inspected> {
  const lora = await readAdapterConfig(folder);
  if (lora) return inspectAdapter(folder, lora, openBase);
  const { config, parameters, dtypes } = await describeModel(folder);
  const role = config.kind === 'reward' ? 'reward' : 'policy';
  return { role, family: config.family, parameters, dtype: dtypes.join(', ') };
}

async function inspectAdapter(
  folder: CheckpointFolder,
  lora: LoraConfig,
  openBase: (name: string) => Promise<CheckpointFolder | undefined>,
): Promise<Inspected> {
  if (lora.base === undefined) {
    throw new CheckpointError(
      `${folder.name}/adapter_config.json does not name the adapter's base; ` +
        'set base_model_name_or_path to it',
    );
  }
  const base = await openBase(lora.base);
  if (base) {
    const config = await checkpointConfig({ base, adapter: { folder, config: lora } });
    await openAdapter(folder, layoutAdapter(config, lora));
  }
  const source = await folder.open(ADAPTER_WEIGHTS);
  if (!source) {
    throw new CheckpointError(
      `${folder.name} has no ${ADAPTER_WEIGHTS}; choose a folder that peft saved`,
    );
  }
  const tensors = [...(await SafetensorsFile.open(source)).tensors.values()];
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return {
    role: lora.task === 'SEQ_CLS' ? 'reward' : 'policy',
    family: '',
    parameters: tensors.reduce((sum, { shape }) => sum + count(shape), 0),
    dtype: [...new Set(tensors.map(({ dtype }) => dtype))].join(', '),
    lora,
  };
}

/**
 * Tries a whole model's tokenizer and chat template out, as a run would use them.
 * @throws CheckpointError when they are not this model's, or refuse
 */
export async function tryTexts(folder: CheckpointFolder, role: Role): Promise<void> {
  const tokenizer = await Tokenizer.load(folder);
  const { vocabSize, eosTokenIds } = await readConfig(folder);
  tokenizer.checkFits(vocabSize, eosTokenIds);
  if (role === 'reward') judgedTokens(tokenizer, [{ prompt: 'x', response: 'x' }]);
  // Without thinking: a template that takes no system turn may still be of use.
  else promptText(tokenizer, 'x', false);
}
