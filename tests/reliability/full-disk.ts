/**
 * node scripts/full-disk.mjs [--times 5]: real commands on a real disk (a tmpfs of 4 MB) that gets full or
 * read-only at random moments, and under a limit on the size of files. Each fault must give one sentence with the
 * path and what to do, and leave no half file; what was saved before must load, and the command goes on once
 * there is room. It prints a table, and fails at the first difference.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastCheckpointIn } from '../../src/cli/run-files.ts';
import { describeModel } from '../../src/model/describe.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Random } from '../../src/rl/random.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { drawPrompt, promptText } from '../../src/rl/world/prompts.ts';
import { CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const STEPS = 120;
const PONDER = join(import.meta.dirname, '../../scripts/ponder.mjs');
const at = process.argv.indexOf('--times');
const times = at < 0 ? 5 : Number(process.argv[at + 1]);
const random = new Random(7, 'full disk');

const root = await mkdtemp(join(tmpdir(), 'ponder-disk-'));
const disk = join(root, 'disk');
const ballast = join(disk, 'ballast');
await mkdir(disk);
if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status !== 0) {
  await rm(root, { recursive: true });
  console.error('No disk can be mounted here; this needs Linux, and root or user namespaces.');
  process.exit(1);
}

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length, layers: 1 };
const policy = join(root, 'policy');
await saveModel(policy, config, randomTensors(config, 1));
await writeFile(
  join(root, 'recipe.yaml'),
  `algorithm: sft\nworld: meal-planner\nmodel_name_or_path: ${policy}\n` +
    `max_length: 100\nper_device_train_batch_size: 2\nmax_steps: ${STEPS}\nsave_steps: 5\n` +
    'save_total_limit: 2\nlearning_rate: 1e-2\n',
);
const question = promptText(drawPrompt(new Random(1, 'question')));
await writeFile(
  join(root, 'input_data.jsonl'),
  `${JSON.stringify({ key: 1, prompt: question, instruction_id_list: ['punctuation:no_comma'], kwargs: [{}] })}\n`,
);

/** Fills the disk to its last byte; `left` bytes are given back. */
function fill(left = 0): void {
  for (let piece = 2 ** 16; piece >= 1; piece /= 2) {
    try {
      for (;;) appendFileSync(ballast, new Uint8Array(piece));
    } catch {
      // The next piece is smaller.
    }
  }
  if (left > 0) spawnSync('truncate', ['-s', `-${left}`, ballast]);
}
const remount = (mode: 'ro' | 'rw'): boolean =>
  spawnSync('mount', ['-o', `remount,${mode}`, disk]).status === 0;

interface Ended {
  code: number | null;
  said: string;
}

/** @param prefix a shell's words before the command */
async function ponder(args: readonly string[], prefix = '', watch?: () => void): Promise<Ended> {
  const words = [process.execPath, PONDER, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('sh', ['-c', `${prefix} ${words}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const timer = watch && setInterval(watch, 2);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(timer);
  return {
    code,
    said: said
      .split('\n')
      .filter((line) => line.startsWith('ponder: '))
      .join('\n'),
  };
}

const train = (out: string, watch?: () => void): Promise<Ended> =>
  ponder(['train', join(root, 'recipe.yaml'), '--out', out, '--resume'], '', watch);

const rowsOf = async (out: string): Promise<unknown[]> => {
  const text = await readFile(join(out, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => ({ ...(JSON.parse(line) as object), step_time: 0 }));
};
const weightsOf = (out: string): Promise<Buffer> =>
  readFile(join(out, `checkpoints/step-${STEPS}/model.safetensors`));

/** Names of half files anywhere in a folder. */
const halves = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => name.includes('.partial'));

function refused({ code, said }: Ended, sentence: RegExp): void {
  assert.equal(code, 1, said);
  assert.match(said, sentence);
  assert.ok(!said.includes('\n'), said);
}

const counts: Record<string, number> = {};
const count = (fault: string): void => {
  counts[fault] = (counts[fault] ?? 0) + 1;
  console.error(fault);
};

const whole = join(root, 'whole');
assert.equal((await train(whole)).code, 0);

const FULL =
  /^ponder: \S+ cannot be written: the disk is full; free some space, then go on(: with --resume, from step \d+)?$/;
const READ_ONLY =
  /^ponder: \S+ cannot be written: the disk is read-only; name a folder on another disk(: with --resume, from step \d+)?$/;

for (const [fault, strike, sentence, mend] of [
  ['train, the disk gets full', () => (fill(), true), FULL, () => rm(ballast)],
  ['train, the disk gets read-only', () => remount('ro'), READ_ONLY, () => remount('rw')],
] as const) {
  for (let i = 0; i < times; i++) {
    const out = join(disk, 'run');
    const rows = 1 + random.below(STEPS / 2);
    let struck = false;
    const ended = await train(out, () => {
      if (struck || !existsSync(join(out, 'metrics.jsonl'))) return;
      const text = spawnSync('wc', ['-l', join(out, 'metrics.jsonl')]).stdout.toString();
      if (parseInt(text) >= rows) struck = strike();
    });
    refused(ended, sentence);
    if (fault.endsWith('full')) assert.deepEqual(await halves(disk), []);
    // It may have struck before the first checkpoint.
    const saved = await lastCheckpointIn(out).catch(() => undefined);
    if (saved !== undefined) await describeModel(await nodeFolder(saved));
    await mend();
    assert.deepEqual(await train(out), { code: 0, said: '' });
    assert.deepEqual(await rowsOf(out), await rowsOf(whole));
    assert.ok((await weightsOf(out)).equals(await weightsOf(whole)));
    assert.deepEqual(await halves(disk), []);
    await rm(out, { recursive: true });
    count(fault);
  }
}

fill();
refused(await train(join(disk, 'run')), /(disk is full|has .* free); free some space/);
count('train, the disk is full');
await rm(ballast);
assert.deepEqual(await train(join(disk, 'run')), { code: 0, said: '' });
await rm(join(disk, 'run'), { recursive: true });

const exported = join(disk, 'exported');
const args = ['export', policy, '--to', 'hf', '--out', exported];
// Blocks of 512 bytes: the limit strikes inside the weights.
const limited = await ponder(args, 'ulimit -f 24 &&');
refused(limited, /cannot be written: the disk takes no file of this size; free some space, then/);
assert.ok(!existsSync(exported));
count('export, files are limited');
fill(8192);
refused(await ponder(args), /(disk is full|has .* free); free some space/);
assert.ok(!existsSync(exported));
count('export, the disk is full');
await rm(ballast);

const asked = ['benchmark', 'ifeval', '--model', policy, '--data', join(root, 'input_data.jsonl')];
const benchmarks = join(disk, 'benchmarks');
const ask = [...asked, '--out', benchmarks, '--max_completion_length', '8'];
for (const left of [0, 4096, 8192, 12288]) {
  fill(left);
  const ended = await ponder(ask);
  if (ended.code !== 0) {
    refused(ended, FULL);
    assert.deepEqual(await halves(disk), []);
    count('benchmark, the disk is full');
  }
  await rm(ballast);
  assert.deepEqual(await ponder(ask), { code: 0, said: '' });
  await rm(benchmarks, { recursive: true });
}

refused(await ponder(['record', whole, '--out', '/dev/full']), FULL);
count('record, /dev/full');
const output = await ponder(['info', '--json', '--model', policy], 'exec > /dev/full;');
refused(output, /^ponder: standard output cannot be written: the disk is full; free some space/);
count('info, standard output is full');
await cp(whole, join(disk, 'run'), { recursive: true });
fill();
refused(await ponder(['record', join(disk, 'run'), '--out', join(disk, 'replay.json')]), FULL);
assert.ok(!existsSync(join(disk, 'replay.json')));
count('record, the disk is full');

spawnSync('umount', [disk]);
await rm(root, { recursive: true });
console.table(counts);
