/** `ponder train` is asked to stop: by Ctrl-C in a terminal, or by `kill`, which reaches one process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const PONDER = join(import.meta.dirname, '../../scripts/ponder.mjs');
const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length, layers: 1 };

let root: string;
const at = (...path: string[]): string => join(root, ...path);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('policy'), config, randomTensors(config, 1));
  const recipe =
    `algorithm: sft\nworld: meal-planner\nmodel_name_or_path: ${at('policy')}\nmax_length: 100\n` +
    'per_device_train_batch_size: 2\nmax_steps: 100000\nsave_steps: 100000\n';
  await writeFile(at('one.yaml'), recipe);
  await writeFile(at('many.yaml'), `${recipe}matrix: {seed: [1, 2]}\n`);
});
afterEach(() => {
  for (const { pid } of started.splice(0)) {
    try {
      process.kill(-pid!, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
});
afterAll(() => rm(root, { recursive: true }));

const started: ChildProcess[] = [];

interface Training {
  child: ChildProcess;
  /** All that was written to standard error. */
  said: () => string;
  ended: Promise<number | null>;
}

function train(recipe: string, out: string, ...options: string[]): Training {
  const args = ['train', at(recipe), '--out', at(out), ...options];
  // A group of its own, as in a terminal.
  const child = spawn(process.execPath, [PONDER, ...args], { detached: true });
  started.push(child);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, said: () => said, ended };
}

async function until(holds: () => boolean, { child, said }: Training): Promise<void> {
  while (!holds()) {
    if (child.exitCode !== null) throw new Error(`it ended too early: ${said()}`);
    await sleep(10);
  }
}

const hasSteps = (out: string): boolean =>
  (statSync(at(out, 'metrics.jsonl'), { throwIfNoEntry: false })?.size ?? 0) > 0;

const stepsIn = async (out: string): Promise<number> =>
  (await readFile(at(out, 'metrics.jsonl'), 'utf8')).trim().split('\n').length;

it('kill saves the step that runs, and says how to go on', async () => {
  const run = train('one.yaml', 'one', '--seed', '5');
  await until(() => hasSteps('one'), run);
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(143);
  const steps = await stepsIn('one');
  expect(await readdir(at('one', 'checkpoints'))).toEqual([`step-${steps}`]);
  expect(run.said()).toContain(
    `${at('one')}: stops after this step, and saves it. A second Ctrl-C, or kill, stops at once: then ` +
      'all steps are lost.\n',
  );
  expect(run.said()).toContain(
    `ponder: ${at('one')} is stopped and saved after step ${steps}. Go on with: npm run -s ponder -- ` +
      `train ${at('one.yaml')} --out ${at('one')} --seed 5 --resume\n`,
  );
  expect(await readdir(at('one'))).not.toContain('lock.json');
});

it('Ctrl-C reaches all processes, this one twice, and no further run of a matrix begins', async () => {
  const run = train('many.yaml', 'many', '--matrix');
  await until(() => hasSteps('many/seed-1'), run);
  process.kill(-run.child.pid!, 'SIGINT');
  // As npm does.
  await sleep(20);
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
  const steps = await stepsIn('many/seed-1');
  expect(await readdir(at('many', 'seed-1', 'checkpoints'))).toEqual([`step-${steps}`]);
  expect(await readdir(at('many'))).toEqual(['seed-1']);
  expect(run.said()).toContain(
    `saved after step ${steps}. Go on with: npm run -s ponder -- train ${at('many.yaml')} ` +
      `--out ${at('many')} --matrix\n`,
  );
});

it('a second Ctrl-C ends a step that takes long', async () => {
  const { run, out } = await stoppedWithinStep();
  process.kill(-run.child.pid!, 'SIGINT');
  expect(await run.ended).toBe(130);
  expect(await readdir(at(out))).not.toContain('checkpoints');
});

/** A run that was asked to stop in its first step, a long one. Just before the step it ends at once: once more, then. */
async function stoppedWithinStep(): Promise<{ run: Training; out: string }> {
  for (let i = 0; ; i++) {
    const out = `long-${i}`;
    const run = train('one.yaml', out, '--gradient_accumulation_steps', '4000');
    await until(() => existsSync(at(out, 'recipe.yaml')), run);
    process.kill(-run.child.pid!, 'SIGINT');
    await until(() => run.said().includes(`${at(out)}: stops `), run);
    if (run.said().includes('stops after this step')) return { run, out };
    await run.ended;
  }
}
