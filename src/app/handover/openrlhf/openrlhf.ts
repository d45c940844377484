/** A GRPO run as a folder that OpenRLHF goes on with, on one machine or on a Ray cluster. */
import { jsonLines } from '../../../rl/data/json-lines.ts';
import type { Row } from '../../../rl/data/rows.ts';
import type { RayTrainer } from '../ray-folder.ts';
import { textFile } from '../source.ts';
import { argumentLines, openrlhfRecipe } from './recipe.ts';
import readme from './README.md?raw';
import requirements from './requirements.txt?raw';
import reward from './reward.py?raw';
import script from './train.sh?raw';

export const OPENRLHF: RayTrainer = {
  name: 'OpenRLHF',
  texts: {
    'README.md': readme,
    'requirements.txt': requirements,
    'reward.py': reward,
    'train.sh': script,
  },
  argumentLines: (...args) => argumentLines(openrlhfRecipe(...args)),
  data: (name, rows) => textFile(`${name}.jsonl`, jsonLines(rows.map(labelled))),
  removesSpecial: false,
};

/** OpenRLHF gives the reward function nothing but prompt and label. */
const labelled = ({ prompt, turns, row }: Row): Row => ({
  prompt,
  label: JSON.stringify({ turns, row }),
});
