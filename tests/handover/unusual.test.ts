/** Handovers of unusual runs, and of runs that cannot be handed over. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { HANDOVERS } from '../../src/app/handover/files.ts';
import { targets, type Target } from '../../src/app/handover/targets.ts';
import { exporting } from '../../src/cli/export.ts';
import { openAt } from '../../src/cli/open.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import { blobSource } from '../../src/model/files.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { jsonLines } from '../../src/rl/data/json-lines.ts';
import { ggufCase } from '../gguf-models.ts';
import { expectComplete, sourceOf, textIn } from './handed-over.ts';
import { makeRun, RECIPES, STEP } from './make-run.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder ü '));
  for (const name of ['grpo', 'judge', 'adapter'] as const) await makeRun(join(home, name), name);
});
afterAll(() => rm(home, { recursive: true }));

const judge = (): string => `judge_model_name_or_path: ${join(home, 'judge', 'judge')}\n`;

describe('unusual runs', () => {
  const PROMPTS = (path: string): string =>
    `world:\ndatasets: [{path: json, data_files: [${JSON.stringify(path)}], split: train}]\n`;

  async function rowsOf(lines: readonly object[]): Promise<Record<string, unknown>[]> {
    const path = join(home, 'Fragen für alle.jsonl');
    await writeFile(path, jsonLines(lines));
    const files = await HANDOVERS.trl(await sourceOf(home, 'grpo', PROMPTS(path)));
    expect(await textIn(files, 'README.md')).toContain(`The rows are those of ${path}`);
    const text = (await textIn(files, 'train.jsonl'))!;
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('says at which tokens the policy ends, if its turns do not end with its tokenizer’s EOS', async () => {
    const other = join(home, 'other ends');
    await cp(join(home, 'grpo'), join(other, 'grpo'), { recursive: true });
    const source = await sourceOf(other, 'grpo', '');
    const at = join(other, 'grpo', 'checkpoints', `step-${STEP}`);
    const change = async (file: string, from: RegExp, to: string): Promise<void> => {
      const text = await readFile(join(at, file), 'utf8');
      expect(text).toMatch(from);
      await writeFile(join(at, file), text.replace(from, to));
    };
    await change('config.json', /"eos_token_id": 1/, '"eos_token_id": [5]');
    await change('tokenizer_config.json', / <eos>' \}\}/, " <say>' }}");
    const facts = async (target: Target): Promise<unknown> =>
      JSON.parse((await textIn(await HANDOVERS[target](source), 'run.json'))!);
    expect(await facts('trl')).toMatchObject({ stop_ids: [5, 1], turn_end: 5 });
    expect(await facts('openrlhf')).toMatchObject({ stop_ids: [5, 1] });
  });

  it('has system turns, earlier turns and further columns of a row', async () => {
    const turns = [
      { role: 'system', content: 'menu' },
      { role: 'user', content: 'ham 1' },
      { role: 'assistant', content: 'ok' },
      { role: 'user', content: 'tart 4 "ü"\n2' },
    ];
    const rows = await rowsOf([{ prompt: turns, answer: 4, more: { list: ['ü', null] } }]);
    // 3 steps of 2 prompts.
    expect(rows).toHaveLength(6);
    expect(rows[0]!['turns']).toEqual(turns);
    expect(JSON.parse(rows[0]!['row'] as string)).toMatchObject({
      answer: 4,
      more: { list: ['ü', null] },
    });
    expect(rows[0]!['prompt']).toMatch(/ <think>$/);
  });

  it.each([
    [{ prompt: '' }, /line 1: no text field "prompt"/],
    [
      { prompt: [{ role: 'tool', content: '4' }] },
      /line 1: turn 1 of "prompt" has the role "tool"/,
    ],
    [{ question: 'menu' }, /line 1/],
  ])('is refused for a row %o', async (row, message) => {
    await expect(rowsOf([row])).rejects.toThrow(message);
  });

  it.each(['load_in_4bit', 'load_in_8bit'])(
    'says that a base with %s is rounded otherwise',
    async (key) => {
      const source = await sourceOf(home, 'adapter', `${key}: true\n`);
      const files = await HANDOVERS.trl(source);
      expect(parse((await textIn(files, 'recipe.yaml'))!)).toMatchObject({ [key]: true });
      expect(await textIn(files, 'requirements.txt')).toMatch(/\nbitsandbytes\n$/);
      expect(await textIn(files, 'README.md')).toMatch(/rounded by bitsandbytes/);
      await expect(HANDOVERS.verl(source)).rejects.toThrow(
        /does not have a quantised base; use TRL/,
      );
    },
  );

  it('has the adapter before training as the reference, if the run began with one', async () => {
    const before = join(home, 'adapter', 'checkpoints', `step-${STEP}`);
    const source = await sourceOf(
      home,
      'adapter',
      `model_name_or_path: ${JSON.stringify(before)}\n`,
    );
    const files = await HANDOVERS.trl(source);
    expect(JSON.parse((await textIn(files, 'run.json'))!)).toMatchObject({ reference: true });
    const sizes = ['policy', 'reference'].map(
      (name) => files.find(({ path }) => path === `${name}/adapter_model.safetensors`)?.size,
    );
    expect(sizes[0]).toBeGreaterThan(0);
    expect(sizes[1]).toBe(sizes[0]);
  });

  it('has models that were GGUF files as folders that transformers loads', async () => {
    const path = join(home, 'model.gguf');
    const { folder } = ggufCase('qwen3');
    const { pieces } = await openGguf({ base: folder, tokenizer: folder }, 'q8_0');
    await writeFile(path, pieces());
    const start = await openAt(path);
    const source = await sourceOf(
      home,
      'grpo',
      `model_name_or_path: ${JSON.stringify(path)}\n${judge()}`,
    );
    // The reward model stays what it is.
    const open = (at: string) => openAt(at === source.recipe.judge_model_name_or_path ? path : at);
    const files = await HANDOVERS.trl({ ...source, policy: start, open });
    for (const name of ['policy', 'reference', 'judge']) {
      const config = JSON.parse((await textIn(files, `${name}/config.json`))!) as object;
      expect(config).toMatchObject({ model_type: 'qwen3' });
      const weights = files.find((file) => file.path === `${name}/model.safetensors`)!;
      const parts: BlobPart[] = [];
      for await (const piece of weights.pieces()) parts.push(piece);
      const file = await SafetensorsFile.open(blobSource('w', new Blob(parts)));
      expect(file.tensors.has('model.layers.1.self_attn.q_norm.weight')).toBe(true);
      expect(files.some((other) => other.path === `${name}/tokenizer.json`)).toBe(true);
    }
  });

  it('has rules with any name that Ponder takes, and refuses one without a twin in Python', async () => {
    const at = (name: string): string => join(home, name);
    await writeFile(at('meine Regel.v2.js'), 'export default () => 1');
    const recipe = `reward_model_name_or_path:\nreward_funcs: [${JSON.stringify(at('meine Regel.v2.js'))}]\n`;
    const source = await sourceOf(home, 'grpo', recipe);
    for (const twin of ['', 'reward = 1']) {
      if (twin) await writeFile(at('meine Regel.v2.py'), twin);
      for (const target of targets)
        await expect(HANDOVERS[target](source)).rejects.toThrow(
          /is JavaScript, which only Ponder runs/,
        );
    }
    await writeFile(
      at('meine Regel.v2.py'),
      'def reward(prompt, response, row):\n    return 1.0\n',
    );
    for (const target of targets)
      await expectComplete(source, target, await HANDOVERS[target](source));
  });
});

describe.each(targets)('to %s', (target) => {
  it.each([
    ['reward_model_name_or_path: public/models/policy', /policy is not a reward model/],
    ['judge_model_name_or_path: public/models/reward', /reward is a reward model, not an instruct/],
  ])('refuses %s', async (change, message) => {
    const source = await sourceOf(home, 'grpo', `${change}\n`);
    await expect(HANDOVERS[target](source)).rejects.toThrow(message);
  });
});

it.each(['trl', 'verl'] as const)('an adapter on another base is refused: %s', async (target) => {
  const source = await sourceOf(home, 'adapter', '');
  const other = ggufCase('llama').folder;
  const reward = (await openAt('public/models/reward')).base;
  for (const [base, message] of [
    [reward, /reward is a reward model, and .* is an adapter for a causal language model/],
    [other, /adapter/],
  ] as const)
    await expect(
      HANDOVERS[target]({ ...source, policy: { ...source.policy, base } }),
    ).rejects.toThrow(message);
});

it('a rule of the page says how its twin gets beside it', async () => {
  const recipe = 'reward_model_name_or_path:\nreward_funcs: ["stored:mine.js"]\n';
  await expect(HANDOVERS.trl(await sourceOf(home, 'grpo', recipe))).rejects.toThrow(
    /export the run as a \.zip, and write the same rule in Python beside it, into mine\.py/,
  );
});

describe('on the command line', () => {
  const refusal = async (run: string, to: string, out: string): Promise<string> => {
    const error: unknown = await exporting
      .run([run, '--to', to, '--out', out], true)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    return (error as Error).message;
  };

  it.each(['hf', 'gguf', ...targets])('a run without a checkpoint is refused: %s', async (to) => {
    for (const [name, file] of [
      ['begun', 'metrics.jsonl'],
      ['cut', 'checkpoints/step-1/config.json'],
    ]) {
      const [run, out] = [join(home, name!), join(home, 'none')];
      await mkdir(join(run, file!, '..'), { recursive: true });
      await writeFile(join(run, 'recipe.yaml'), RECIPES.grpo);
      await writeFile(join(run, file!), '');
      expect(await refusal(run, to, out)).toMatch(/(begun|cut) has no complete checkpoint; name/);
      expect(existsSync(out)).toBe(false);
    }
  });

  it('a folder that has something in it stays as it is; so does a file', async () => {
    const out = join(home, 'Schönes Ziel');
    await mkdir(out);
    await writeFile(join(out, 'mine'), '');
    for (const to of ['hf', ...targets])
      expect(await refusal(join(home, 'grpo'), to, out)).toMatch(
        /Schönes Ziel is not empty; choose/,
      );
    expect(await readdir(out)).toEqual(['mine']);
    expect(await refusal(join(home, 'grpo'), 'trl', join(out, 'mine'))).toMatch(/mine/);
    expect(await readFile(join(out, 'mine'), 'utf8')).toBe('');
  });

  it.each(['gguf', ...targets])('a folder in one that the run fills is refused: %s', async (to) => {
    const run = join(home, 'grpo');
    const before = await readdir(run, { recursive: true });
    const inside = [
      'checkpoints/step-30',
      `checkpoints/step-${STEP}/out`,
      'completions',
      'evaluations/a/b',
    ];
    for (const out of inside)
      expect(await refusal(run, to, join(run, out))).toMatch(
        /lies in (checkpoints|completions|evaluations), a folder of the run .*grpo; choose/,
      );
    await symlink(run, join(home, `link-${to}`));
    expect(await refusal(run, to, join(home, `link-${to}`, 'followed'))).toMatch(
      /lies in followed/,
    );
    expect(await refusal(run, to, run)).toMatch(/grpo is not empty; choose a new folder/);
    expect(await readdir(run, { recursive: true })).toEqual(before);
  });

  it.each([...targets])(
    'a run that was stopped after its last checkpoint goes on from that one: %s',
    async (to) => {
      const run = join(home, `stopped-${to}`);
      await cp(join(home, 'grpo'), run, { recursive: true });
      // It was resumed for more steps, reached step 27, and was killed while it wrote a checkpoint.
      await writeFile(
        join(run, 'recipe.yaml'),
        RECIPES.grpo.replace('max_steps: 23', 'max_steps: 30'),
      );
      await writeFile(join(run, 'metrics.jsonl'), jsonLines([{ step: 20 }, { step: 27 }]));
      await mkdir(join(run, 'checkpoints', 'step-25'));
      await writeFile(join(run, 'checkpoints', 'step-25', 'config.json'), '{}');
      const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const before = await readdir(run, { recursive: true });
      const out = join(run, 'handed-over');
      await exporting.run([run, '--to', to, '--out', out], true);
      expect(said.mock.calls.join()).toMatch(
        /step-25 is not complete: checkpoints\/step-20 is used/,
      );
      said.mockRestore();
      expect(await readFile(join(out, 'README.md'), 'utf8')).toContain(
        'continues a run of Ponder at step 20 of 30',
      );
      // Ten steps of two prompts are left.
      if (to === 'verl')
        expect(await readFile(join(out, 'train.sh'), 'utf8')).toMatch(/training_steps=10'/);
      else expect((await readFile(join(out, 'train.jsonl'), 'utf8')).match(/\n/g)).toHaveLength(20);
      // Nothing else is written into the run.
      await rm(out, { recursive: true });
      expect(await readdir(run, { recursive: true })).toEqual(before);
    },
  );

  it('a model becomes one GGUF file, with its adapter merged', async () => {
    const out = join(home, 'file');
    await exporting.run(
      [join(home, 'judge', 'judge'), '--to', 'gguf', '--outtype', 'q4_0', '--out', out],
      true,
    );
    expect(await readdir(out)).toEqual(['model-q4_0.gguf']);
    const { base } = await openAt(join(out, 'model-q4_0.gguf'));
    expect(await readConfig(base)).toMatchObject({ family: 'llama', maxPositions: 1024 });
    const words = join(home, 'words');
    expect(await refusal(join(home, 'adapter'), 'gguf', words)).toMatch(
      /no equal in llama\.cpp: its vocabulary is of kind WordLevel; save it as a folder/,
    );
    expect(existsSync(words)).toBe(false);
  });
});
