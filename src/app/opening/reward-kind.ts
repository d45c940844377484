/** Whether a model can give the reward that a recipe wants of it: told before its weights are read or copied. */
import { checkpointConfig, type Checkpoint } from '../../model/adapted.ts';
import { CheckpointError } from '../../model/errors.ts';
import { checkpointName } from './surroundings.ts';

/** @throws CheckpointError if it is not a sequence classifier */
export async function requireRewardModel(checkpoint: Checkpoint): Promise<void> {
  if ((await checkpointConfig(checkpoint)).kind === 'reward') return;
  throw new CheckpointError(
    `${checkpointName(checkpoint)} is not a reward model (its architecture is not *ForSequenceClassification); ` +
      'choose a sequence classifier with one label',
  );
}

/** @throws CheckpointError if it is a sequence classifier, which cannot be asked a question */
export async function requireInstructModel(checkpoint: Checkpoint): Promise<void> {
  if ((await checkpointConfig(checkpoint)).kind !== 'reward') return;
  throw new CheckpointError(
    `${checkpointName(checkpoint)} is a reward model, not an instruct model; name it in ` +
      'reward_model_name_or_path',
  );
}
