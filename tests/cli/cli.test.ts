/** The command line: its results, and one clear line for every kind of wrong input. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { evaluation } from '../../src/cli/eval.ts';
import { exporting } from '../../src/cli/export.ts';
import { generate } from '../../src/cli/generate.ts';
import { info } from '../../src/cli/info.ts';
import { logits } from '../../src/cli/logits.ts';
import { score } from '../../src/cli/score.ts';
import { train } from '../../src/cli/train.ts';
import { layoutParameters } from '../../src/model/parameters.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';
import * as reference from '../model/reference/transformer.ts';
import { writeSafetensors } from '../safetensors.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const tensors = randomTensors(config, 1);
const PROMPT = 'menu ham 1 tart 7 for cleo veggie budget 8';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('policy'), config, tensors);
  await saveModel(at('judge'), asReward(config), randomTensors(asReward(config), 2));
});
afterAll(() => rm(root, { recursive: true }));

const at = (...path: string[]): string => join(root, ...path);

const json = async (command: Command, ...argv: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await command.run(argv, true)) as Record<string, unknown>;

async function refusal(command: Command, ...argv: string[]): Promise<string> {
  const message = await command.run(argv, false).then(
    () => 'accepted',
    (error: unknown) => (error as Error).message,
  );
  expect(message).not.toContain('\n');
  return message;
}

/** Every file of a folder with what it holds. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(async ({ parentPath, name }): Promise<[string, string]> => {
    const path = join(parentPath, name);
    return [path, await readFile(path, 'latin1')];
  });
  return Object.fromEntries(await Promise.all(texts));
}

describe('the results of the commands', () => {
  it('logits equal the reference forward pass, and score reads ids or texts', async () => {
    const ids = [3, 5, 7, 11];
    const { logits: rows } = await json(logits, '--model', at('policy'), '--ids', ids.join());
    const wanted = reference.logits(config, tensors, ids);
    (rows as number[][]).forEach((row, t) =>
      row.forEach((value, v) => expect(Math.abs(value - wanted[t]![v]!)).toBeLessThan(1e-3)),
    );
    const { score: one } = await json(score, '--model', at('judge'), '--ids', ids.join());
    expect(Number.isFinite(one)).toBe(true);
    const text = ['--prompt', PROMPT, '--response', 'ham 1 and tart 7 .'];
    const { score: other } = await json(score, '--model', at('judge'), ...text);
    expect(other).not.toBe(one);
  });

  it('info counts parameters and bytes', async () => {
    const facts = await json(info, '--model', at('policy'));
    const count = [...tensors.values()].reduce((sum, { length }) => sum + length, 0);
    expect(facts).toMatchObject({
      family: 'llama',
      kind: 'causal',
      parameters: count,
      dtype: 'F32',
    });
    const memory = facts.memory as Record<'run' | 'lora' | 'full', number>;
    expect(memory.run).toBeGreaterThanOrEqual(4 * count);
    expect(memory.full - memory.run).toBeGreaterThanOrEqual(16 * count);
    // Longer completions take more memory, and gradient checkpointing takes less.
    const more = ['--model', at('policy'), '--max_completion_length', '512'];
    const larger = (await json(info, ...more)).memory as typeof memory;
    const again = (await json(info, ...more, '--gradient_checkpointing')).memory as typeof memory;
    for (const key of ['run', 'lora', 'full'] as const) {
      expect(larger[key]).toBeGreaterThan(memory[key]);
    }
    expect(again.lora).toBeLessThan(larger.lora);
    const text = await info.run([...more, '--memory_gb', '0.01'], false);
    expect(text).toMatch(/memory to run .* fits\n/);
    expect(text).toMatch(/does not fit: set gradient_checkpointing: true/);
    // A reward model takes memory of the same card.
    const judge = ['--reward_model_name_or_path', at('judge')];
    const judged = (await json(info, ...more, ...judge)).memory as typeof memory;
    expect(judged.run).toBe(larger.run);
    expect(judged.lora).toBeGreaterThan(larger.lora);
  });

  it('generate gives the same text for the same seed, and eval judges every prompt', async () => {
    const text = ['--model', at('policy'), '--prompt', PROMPT, '--max_completion_length', '12'];
    const [a, b, c] = [
      await json(generate, ...text, '--seed', '1'),
      await json(generate, ...text, '--seed', '1'),
      await json(generate, ...text, '--seed', '2'),
    ];
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
    // Twelve tokens of random weights end neither a thought nor a text.
    expect(a).toMatchObject({
      ...{ thought: null, tokens: 12, well_formed: false, truncated: true, thought_cut: false },
    });
    const printed = await generate.run([...text, '--seed', '1'], false);
    expect(printed).toMatch(/thought was not ended.*\n.*cut off after 12 tokens/);
    const cut = await json(generate, ...text, '--max_thought_length', '4');
    expect(cut).toMatchObject({ well_formed: true, thought_cut: true });
    const judged = await json(
      ...([evaluation, '--model', at('policy'), '--reward_models', at('judge')] as const),
      ...['--num_prompts', '6', '--max_completion_length', '12', '--out', at('eval.jsonl')],
    );
    expect(judged).toMatchObject({ prompts: 6, truncated_ratio: expect.any(Number) as number });
    const rows = (await readFile(at('eval.jsonl'), 'utf8')).trim().split('\n');
    expect(rows.length).toBe(6);
    expect(JSON.parse(rows[0]!)).toMatchObject({
      rewards: { judge: expect.any(Number) as number },
    });
  });
});

it('generate and score say which words the model does not know, and go on', async () => {
  const told = async (run: () => Promise<unknown>): Promise<string> => {
    const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await run();
    const text = spy.mock.calls.map(([line]) => String(line)).join('');
    spy.mockRestore();
    return text;
  };
  const ask = (prompt: string) =>
    told(() =>
      json(generate, '--model', at('policy'), '--prompt', prompt, '--max_completion_length', '2'),
    );
  expect(await ask(PROMPT)).toBe('');
  expect(await ask('menu ham 1 for Ana')).toBe(
    'This model does not know the word “Ana”; leave it out.\n',
  );
  const question = 'What is for lunch today?';
  const strange =
    'This model does not know the words “What”, “is”, “lunch” and “today?”; leave them out.\n';
  expect(await ask(question)).toBe(strange);
  // The words of a conversation, not its JSON.
  const turns = [
    { role: 'user', content: 'menu ham 1' },
    { role: 'assistant', content: 'ham 1' },
    { role: 'user', content: question },
  ];
  expect(await ask(JSON.stringify(turns))).toBe(strange);
  const texts = ['--prompt', PROMPT, '--response', 'pizza for Ana'];
  expect(await told(() => json(score, '--model', at('judge'), ...texts))).toMatch(/word “Ana”;/);
});

it('a folder of models names them', async () => {
  const message = await refusal(info, '--model', root);
  expect(message).toMatch(/is a folder of models; choose one of them: \S+judge, \S+policy/);
});

describe('a model folder that is', () => {
  /** The policy's folder with one thing changed. */
  async function broken(name: string, change: (folder: string) => Promise<void>): Promise<string> {
    await cp(at('policy'), at(name), { recursive: true });
    await change(at(name));
    return refusal(info, '--model', at(name));
  }
  const weights = async (
    folder: string,
    edit: (
      map: Map<string, { shape: readonly number[]; values: Float32Array<ArrayBuffer> }>,
    ) => void,
  ): Promise<void> => {
    const { parameters } = layoutParameters(config);
    const map = new Map(
      [...tensors].map(([key, values]) => [
        key,
        { shape: parameters.get(key)!.shape, values: values as Float32Array<ArrayBuffer> },
      ]),
    );
    edit(map);
    await writeFile(join(folder, 'model.safetensors'), writeSafetensors(map));
  };
  const header = async (folder: string, from: string, to: string): Promise<void> => {
    const file = join(folder, 'model.safetensors');
    const text = (await readFile(file)).toString('latin1');
    expect(text).toContain(from);
    expect(to.length).toBe(from.length);
    await writeFile(file, Buffer.from(text.replace(from, to), 'latin1'));
  };

  it('truncated', async () => {
    const message = await broken('truncated', async (folder) => {
      const file = join(folder, 'model.safetensors');
      await writeFile(file, (await readFile(file)).subarray(0, -100));
    });
    expect(message).toMatch(/model\.safetensors.*(ends|short|truncated|cut)/);
  });

  it('without a tensor', async () => {
    const message = await broken('incomplete', (folder) =>
      weights(folder, (map) => map.delete('model.norm.weight')),
    );
    expect(message).toMatch(/incomplete has no tensor model\.norm\.weight \(1 of/);
  });

  it('of other shapes than in its config', async () => {
    const message = await broken('misshaped', (folder) =>
      weights(folder, (map) =>
        map.set('model.norm.weight', { shape: [5], values: new Float32Array(5) }),
      ),
    );
    expect(message).toMatch(/model\.norm\.weight has shape \[5\].*asks for \[24\]/);
  });

  it('of a type that cannot be trained', async () => {
    const message = await broken('mistyped', (folder) => header(folder, '"F32"', '"I32"'));
    expect(message).toMatch(/mistyped\/model\.safetensors, tensor .* has dtype "I32"/);
  });

  it('with tensors that overlap', async () => {
    const message = await broken('overlapping', async (folder) => {
      const file = join(folder, 'model.safetensors');
      const text = (await readFile(file)).toString('latin1');
      const [, start = '', end = ''] = /"data_offsets":\[([1-9]\d*),(\d+)\]/.exec(text) ?? [];
      const earlier = (offset: string): string =>
        String(Number(offset) - 4).padStart(offset.length, ' ');
      await header(folder, `[${start},${end}]`, `[${earlier(start)},${earlier(end)}]`);
    });
    expect(message).toMatch(/overlapping\/model\.safetensors.*(overlap|lie over)/);
  });

  it('of a family that is not supported', async () => {
    const message = await broken('unsupported', (folder) =>
      writeFile(
        join(folder, 'config.json'),
        '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}',
      ),
    );
    expect(message).toMatch(/gpt2/i);
  });

  it('a reward model without its score head', async () => {
    await cp(at('judge'), at('headless'), { recursive: true });
    await cp(at('policy', 'model.safetensors'), at('headless', 'model.safetensors'));
    const message = await refusal(score, '--model', at('headless'), '--ids', '3,5');
    expect(message).toMatch(/headless has no tensor score\.weight/);
  });

  it('not the kind that the command needs', async () => {
    expect(await refusal(score, '--model', at('policy'), '--ids', '3')).toMatch(/needs a reward/);
    expect(await refusal(score, '--model', at('judge'), '--ids', '3', '--prompt', 'a')).toMatch(
      /either --ids, or --prompt and --response/,
    );
    expect(await refusal(generate, '--model', at('judge'), '--prompt', 'a')).toMatch(
      /judge is a reward model, which cannot write text; name a policy$/,
    );
    expect(await refusal(logits, '--model', at('judge'), '--ids', '3')).toMatch(/use score/);
    expect(await refusal(logits, '--model', at('policy'), '--ids', '3,999')).toMatch(/999/);
  });
});

describe('a recipe', () => {
  const attempt = async (yaml: string, ...more: string[]): Promise<string> => {
    await writeFile(at('recipe.yaml'), yaml);
    return refusal(train, at('recipe.yaml'), '--out', at('out'), ...more);
  };

  it.each([
    ['max_stepz: 3', /line 1: unknown key max_stepz; did you mean max_steps\?/],
    ['max_steps: -3', /max_steps is -3; it must be a whole number from 1 to 1000000000/],
    ['max_steps: [', /line 1: not YAML/],
    ['- 3', /this is not a recipe/],
    ['algorithm: grop', /did you mean grpo/],
    ['algorithm: sft\nworld: meal-planner', /model_name_or_path is missing/],
  ])('%s', async (yaml, wanted) => {
    expect(await attempt(yaml)).toMatch(wanted);
  });

  it('with broken models or data', async () => {
    const sft = `algorithm: sft\nmodel_name_or_path: ${at('policy')}\nmax_steps: 1\n`;
    expect(
      await attempt(`${sft}datasets: [{path: json, data_files: ${at('none.jsonl')}}]`),
    ).toMatch(/none\.jsonl cannot be read/);
    await writeFile(at('bad.jsonl'), '{"prompt": "a", "completion": "b"}\n{"prompt": 3}\n');
    expect(await attempt(`${sft}datasets: [{path: json, data_files: ${at('bad.jsonl')}}]`)).toMatch(
      /bad\.jsonl, line 2: no text field "prompt"/,
    );
    expect(
      await attempt(
        'world: meal-planner\nmodel_name_or_path: /nowhere\nreward_model_name_or_path: /nowhere',
      ),
    ).toMatch(/nowhere does not exist/);
  });
});

it('a run can go on or begin again, and stays the same run', async () => {
  const out = at('killed', 'out');
  await writeFile(
    at('sft.yaml'),
    `algorithm: sft\nworld: meal-planner\nmodel_name_or_path: ${at('policy')}\nmax_steps: 1\n` +
      'per_device_train_batch_size: 2\nmax_length: 160\n',
  );
  const run = (...more: string[]): Promise<string> =>
    refusal(train, at('sft.yaml'), '--out', out, ...more);
  // Killed before its first checkpoint, it begins with and without --resume.
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'recipe.yaml'), 'algorithm: sft\n');
  await writeFile(join(out, 'metrics.jsonl'), '{"step":1,"lo');
  expect(await run('--resume')).toBe('accepted');
  await rm(join(out, 'checkpoints'), { recursive: true });
  // A finished run is never replaced: its rows are worth something.
  expect(await run()).toBe(`${out} already holds a finished run; name another folder`);
  expect(await run('--resume')).toMatch(
    /^this run is finished and has no checkpoint to go on from/,
  );
  await rm(join(out, 'summary.json'));
  expect(await run()).toBe('accepted');
  expect(await run()).toBe(
    `${out} already holds a run, saved after step 1; add --resume to continue it, or name another folder`,
  );
  expect(await run('--resume', '--seed', '5')).toContain(
    `${out} was trained with seed: 42, not 5.`,
  );
  expect(await run('--resume', '--max_steps', '2')).toBe('accepted');
  expect(await readFile(join(out, 'recipe.yaml'), 'utf8')).toMatch(/^max_steps: 2$/m);
  const rows = await readFile(join(out, 'metrics.jsonl'), 'utf8');
  expect(rows.trimEnd().split('\n')).toHaveLength(2);
  // A recipe with as many steps changes nothing, and one with fewer is refused.
  const files = await contents(out);
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const more = ['--max_steps', '2', '--save_steps', '7'];
  expect(await run('--resume', ...more)).toBe('accepted');
  expect(stderr.mock.calls).toEqual([
    [`${out}: the run is finished: it has 2 steps already. To go on, give a larger --max_steps.\n`],
  ]);
  stderr.mockRestore();
  expect(await run('--resume')).toBe(
    'max_steps is 1, and this run has 2 steps already; set it above 2 to go on.',
  );
  expect(await contents(out)).toEqual(files);
  // Rows that are damaged are written again.
  await writeFile(join(out, 'metrics.jsonl'), rows.slice(0, 40));
  expect(await run('--resume', '--max_steps', '2')).toBe('accepted');
  expect(await contents(out)).toEqual(files);
  // The weights are used as they were written, or not at all.
  const weights = join(out, 'checkpoints', 'step-2', 'model.safetensors');
  const bytes = await readFile(weights);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(weights, bytes);
  expect(await refusal(logits, '--model', join(out, 'checkpoints', 'step-2'), '--ids', '3')).toBe(
    `${weights} is damaged; name another checkpoint of the run`,
  );
  await json(exporting, out, '--to', 'hf', '--out', at('exported'));
  const [exported, kept] = await Promise.all(
    [at('exported'), join(out, 'checkpoints', 'step-1')].map((folder) =>
      readFile(join(folder, 'model.safetensors')),
    ),
  );
  expect(exported!.equals(kept!)).toBe(true);
});

it('ends with code 1 and one line on standard error', () => {
  const ponder = join(import.meta.dirname, '../../scripts/ponder.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [ponder, 'scoer', '--json'], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe(
    'ponder: there is no command scoer; did you mean score? --help lists the commands\n',
  );
});

it('runs the commands of a job one after the other in one process, and ends with the job', () => {
  const job = `
    import { tryPonder } from './scripts/runs.mjs';
    const model = ['--model', 'public/models/policy', '--json'];
    console.log(await tryPonder('info', ...model), await tryPonder('scoer'), await tryPonder('info', ...model));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', job],
    { encoding: 'utf8', cwd: join(import.meta.dirname, '../..') },
  );
  expect(stderr).toBe(
    'ponder: there is no command scoer; did you mean score? --help lists the commands\n',
  );
  expect(stdout.trim().split('\n').at(-1)).toBe('true false true');
  expect(status).toBe(0);
});
