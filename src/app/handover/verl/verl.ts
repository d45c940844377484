/** A GRPO run as a folder that verl goes on with, on one machine or on a Ray cluster. */
import type { RayTrainer } from '../ray-folder.ts';
import { overrides, verlRecipe } from './recipe.ts';
import { parquet } from './rows.ts';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import reward from './reward.py?raw';
import script from './train.sh?raw';

export const VERL: RayTrainer = {
  name: 'verl',
  texts: {
    'README.md': readme,
    'requirements.txt': requirements,
    'reward.py': reward,
    'train.sh': script,
  },
  argumentLines: (...args) => overrides(verlRecipe(...args)),
  data: (name, rows, { world }) => parquet(`${name}.parquet`, world ?? 'ponder', rows),
  removesSpecial: true,
};
