/** `ponder train` is killed (SIGKILL) at random moments; with --resume it ends as if that had never been. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../src/rl/random.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const KILLS = 2;
const PONDER = join(import.meta.dirname, '../../scripts/ponder.mjs');
const STEPS = 30;
const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length, layers: 1 };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  await writeFile(
    join(root, 'recipe.yaml'),
    `algorithm: sft\nworld: meal-planner\nmodel_name_or_path: ${join(root, 'policy')}\n` +
      `max_length: 100\nper_device_train_batch_size: 2\nmax_steps: ${STEPS}\nsave_steps: 4\n` +
      'save_total_limit: 2\nlearning_rate: 1e-2\n',
  );
});
afterAll(() => rm(root, { recursive: true }));

const rowsIn = (out: string): Promise<string[]> =>
  readFile(join(root, out, 'metrics.jsonl'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );

/** @param killAt number of rows at which the command is killed */
async function train(
  out: string,
  killAt = Infinity,
): Promise<{ code: number | null; said: string }> {
  const args = ['train', join(root, 'recipe.yaml'), '--out', join(root, out), '--resume'];
  const child = spawn(process.execPath, [PONDER, ...args]);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const watch = setInterval(() => {
    void rowsIn(out).then((rows) => rows.length > killAt && child.kill('SIGKILL'));
  }, 5);
  const [code] = await ended;
  clearInterval(watch);
  return { code, said };
}

async function written(out: string) {
  const rows = (await rowsIn(out)).filter(Boolean).map((line) => {
    const row = JSON.parse(line) as Record<string, number>;
    return { ...row, step_time: 0 };
  });
  const model = await readFile(
    join(root, out, `checkpoints/step-${STEPS}/model.safetensors`),
    'latin1',
  );
  return { rows, model, checkpoints: await readdir(join(root, out, 'checkpoints')) };
}

it(`goes on after ${KILLS} kills with the same rows and weights`, async () => {
  const whole = train('whole');
  const random = new Random(3, 'kills');
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    const { code } = await train('killed', 1 + random.below(11) + 12 * i);
    if (code === null) killed++;
  }
  expect(killed).toBe(KILLS);
  expect(await train('killed')).toMatchObject({ code: 0 });
  expect(await whole).toEqual({ code: 0, said: '' });
  expect(await written('killed')).toEqual(await written('whole'));
  expect(await readdir(join(root, 'killed'))).not.toContain('lock.json');
});
