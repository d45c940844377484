import { expect, it } from 'vitest';
import { TrainingError } from '../rl/trainers/trainer.ts';
import { Saver } from './saver.ts';

it('goes on unsaved when the storage fails, but not with a model that must not be saved', async () => {
  const saver = new Saver();
  const bad = new TrainingError('Training stopped in step 2: loss is NaN.');
  await expect(saver.keep(() => Promise.reject(bad))).rejects.toBe(bad);
  expect(saver.unsaved).toBeUndefined();
  await saver.keep(() => Promise.reject(new Error('the disk is full')));
  expect(saver.unsaved).toMatch(/^This run is not saved any more \(the disk is full\)/);
});
