/** What a path of the command line opens. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parseRecipe } from '../rl/recipe/recipe.ts';
import { namingScripts, openAt, recipeFiles, runFolderOf } from './open.ts';

it('an adapter whose base is not here: where to put the base', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'adapter-'));
  try {
    const config = {
      ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 2, lora_alpha: 4 },
      ...{ target_modules: ['q_proj'], base_model_name_or_path: 'somebody/base-of-tests' },
    };
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config));
    await expect(openAt(folder)).rejects.toThrow(
      `${basename(folder)} is an adapter for somebody/base-of-tests, which cannot be opened (it does not exist ` +
        'here, and Ponder downloads nothing; if it is a model of the Hugging Face Hub, download it first with ' +
        `\`hf download somebody/base-of-tests --local-dir ${join(dirname(folder), 'base-of-tests')}\`, and try again)`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

const SMOLLM = 'HuggingFaceTB/SmolLM2-135M-Instruct';

it.each([SMOLLM, `https://huggingface.co/${SMOLLM}`])(
  'a model of the Hub, %s: how to download it',
  async (name) => {
    const message =
      `${name} does not exist here, and Ponder downloads nothing; if it is a model of the Hugging Face Hub, ` +
      `download it first with \`hf download ${SMOLLM} --local-dir SmolLM2-135M-Instruct\`, and give that folder`;
    await expect(openAt(name)).rejects.toThrow(message);
    // The models of a recipe.
    await expect(recipeFiles.folder(name)).rejects.toThrow(message);
  },
);

it.each(['public/nowhere', './somebody/model', '/somebody/model', 'nowhere', 'a/b/c'])(
  '%s is a folder of this machine',
  async (path) => {
    await expect(openAt(path)).rejects.toThrow(`${path} does not exist; check the folder's name`);
  },
);

const complete = 'model_name_or_path: m\nworld: meal-planner\n';

it('the folder of a run is that of the command line, else that of the recipe', () => {
  const { recipe } = parseRecipe(`${complete}reward_funcs: a.js\noutput_dir: runs/y\n`, 'my.yaml');
  expect(runFolderOf('runs/x', recipe)).toBe('runs/x');
  expect(runFolderOf(undefined, recipe)).toBe('runs/y');
  expect(() => runFolderOf(undefined, { ...recipe, output_dir: undefined })).toThrow(
    'train needs the folder of the run; give --out, or set output_dir',
  );
});

it.each([
  ['recipes/rules/polite.py', 'name recipes/rules/polite.js, which is there.'],
  ['recipes.rules.polite', 'name recipes/rules/polite.js, which is there.'],
  ['recipes/rules/no.py', 'write the rule in a file such as recipes/rules/no.js.'],
])('a rule in Python, %s: %s', (path, advice) => {
  const read = () => parseRecipe(`${complete}reward_funcs: ${path}\n`, 'my.yaml');
  expect(() => namingScripts(read)).toThrow(
    `reward_funcs has "${path}", and Ponder runs rewards in JavaScript, not Python; ${advice}`,
  );
});
