/** Finds out whether a folder that the user brings can be used, and as what. */
import { readAdapterConfig } from '../model/adapter-config.ts';
import { attentionWords, describeModel } from '../model/describe.ts';
import { checkpointConfig } from '../model/adapted.ts';
import { readConfig } from '../model/checkpoint.ts';
import { CheckpointError } from '../model/errors.ts';
import type { CheckpointFolder } from '../model/files.ts';
import { layoutAdapter } from '../model/lora.ts';
import { adapterFile, openAdapter } from '../model/open-adapter.ts';
import type { LoraConfig } from '../model/peft.ts';
import { elementCount } from '../model/safetensors-header.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { rewardModelTokens } from '../rl/rewards/reward-model.ts';
import { promptTokens } from '../rl/rollout/rollout.ts';
import { damagedFile } from '../rl/runs/checkpoints.ts';
import { madeToThink } from '../rl/rollout/thinking-template.ts';

/** A policy is trained, a reward model judges; an adapter turns its base model into one of the two. */
export type Role = 'policy' | 'reward';

export interface Inspected {
  role: Role;
  /** Empty for an adapter, because its files do not name the family. */
  family: string;
  /** Windows and rotary embeddings that are not Llama's, in words; empty if it has none. */
  attention: string;
  parameters: number;
  /** Element types in the files. */
  dtype: string;
  /** Whether its chat template opens thoughts by itself; absent for reward models and adapters. */
  madeToThink?: boolean;
  /** Of several chat templates: which one is used and which are not, in words. */
  template?: string;
  /** Present for an adapter. */
  lora?: LoraConfig;
}

/** @throws CheckpointError if it is a checkpoint of a run, and a file is not as it was written */
export async function refuseDamaged(folder: CheckpointFolder): Promise<void> {
  const name = await damagedFile(folder);
  if (name === undefined) return;
  throw new CheckpointError(
    `${folder.name}/${name} is damaged: it is not as its run wrote it; take another checkpoint of the run`,
  );
}

/**
 * Reads the config and the headers of the weight files.
 * @param openBase opens an adapter's base; undefined if the base is not here (yet)
 * @throws CheckpointError if the folder cannot be loaded
 */
export async function inspectFolder(
  folder: CheckpointFolder,
  openBase: (name: string) => Promise<CheckpointFolder | undefined>,
): Promise<Inspected> {
  const lora = await readAdapterConfig(folder);
  if (lora) return inspectAdapter(folder, lora, openBase);
  const { config, parameters, dtypes } = await describeModel(folder);
  const role = config.kind === 'reward' ? 'reward' : 'policy';
  const attention = attentionWords(config);
  return {
    ...{ role, family: config.family, attention, parameters, dtype: dtypes.join(', ') },
    ...(await templateFacts(folder, role)),
  };
}

/** Empty for a tokenizer that cannot be used: `tryTexts` says why. */
async function templateFacts(
  folder: CheckpointFolder,
  role: Role,
): Promise<Pick<Inspected, 'madeToThink' | 'template'>> {
  try {
    const tokenizer = await Tokenizer.load(folder);
    const { templateChoice: template } = tokenizer;
    return {
      ...(role === 'policy' && { madeToThink: madeToThink(tokenizer) }),
      ...(template !== undefined && { template }),
    };
  } catch {
    return {};
  }
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
    await openAdapter(folder, lora, layoutAdapter(config, lora));
  }
  const tensors = [...(await adapterFile(folder)).tensors.values()];
  return {
    role: lora.task === 'SEQ_CLS' ? 'reward' : 'policy',
    family: '',
    attention: '',
    parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    dtype: [...new Set(tensors.map(({ dtype }) => dtype))].join(', '),
    lora,
  };
}

/**
 * Tests the tokenizer and the chat template of a whole model as a run would use them.
 * @throws CheckpointError if they do not fit the model, or the template fails
 */
export async function tryTexts(folder: CheckpointFolder, role: Role): Promise<void> {
  const tokenizer = await Tokenizer.load(folder);
  const { vocabSize, eosTokenIds, padTokenId } = await readConfig(folder);
  tokenizer.checkFits(vocabSize, eosTokenIds);
  if (role === 'reward') {
    rewardModelTokens(tokenizer, [{ prompt: 'x', response: 'x' }], padTokenId);
  } else {
    // Without thinking, because a template that accepts no system message can still be used so.
    promptTokens(tokenizer, 'x', false);
  }
}
