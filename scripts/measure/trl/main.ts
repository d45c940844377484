/**
 * GRPO steps of the default recipe by TRL on a CPU and by Ponder on software adapters of the same
 * machine, timed in turn, and matrix products of 1,024 beside torch's; writes results/scaling/trl.json and
 * trl.txt. Close other programs first. About 3 minutes on two cores; the first run installs TRL (6 GB).
 *   node scripts/measure.mjs trl [--rounds 5] [--python PATH] [--icd FILE --libraries FOLDERS]
 * --icd adds another Vulkan driver, such as Mesa's lavapipe, with each kernel set. --libraries is its
 * LD_LIBRARY_PATH. --python is a Python that has requirements.txt already.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../install.mjs';
import { softwareGpuEnv } from '../../software-gpu.mjs';
import { Random } from '../../../src/rl/random.ts';
import { drawPrompt, promptText } from '../../../src/rl/world/prompts.ts';
import { made } from '../made.ts';
import { writeTexts } from '../texts/texts.ts';
import { Side } from './side.ts';
import { nameOf, trlTable, type Comparison, type Measured } from './table.ts';

const FILE = join(root, 'results/scaling/trl.json');
const here = join(root, 'scripts/measure/trl');
const SIZE = 1024;
const LAYOUTS = ['nn', 'nt', 'tn'];
/** Products in one timing. */
const COUNT = 3;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    python: { type: 'string' },
    icd: { type: 'string' },
    libraries: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const madeBy = made();
const scratch = mkdtempSync(join(tmpdir(), 'ponder-trl-'));
const sides: Side[] = [];
try {
  const comparison = await compare();
  writeFileSync(FILE, `${JSON.stringify(comparison, null, 1)}\n`);
  await writeTexts();
  console.log(trlTable(comparison));
} finally {
  for (const side of sides) side.end();
  rmSync(scratch, { recursive: true, force: true });
}

async function compare(): Promise<Comparison> {
  const measured: Measured[] = [];
  for (const { program, command, env } of await contestants()) {
    const { side, ready } = await Side.start(program, command, env);
    sides.push(side);
    measured.push({ program, ...ready, steps: [], products: {} });
    console.error(`${nameOf(measured.at(-1)!)}: ready`);
  }
  // The first round is not kept: it compiles kernels and fills caches.
  for (let round = 0; round <= rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const { seconds, metrics } = await side.step();
      const { reward, kl, entropy, grad_norm: gradNorm } = metrics!;
      const length = metrics!['completions/mean_length']!;
      console.error(
        `${nameOf(measured[i]!)}: ${seconds.toFixed(2)} s, ${length.toFixed(1)} tokens`,
      );
      if (round === 0) continue;
      measured[i]!.steps.push({ seconds, length, reward, kl, entropy, gradNorm });
    }
    for (const layout of LAYOUTS) {
      for (const [i, side] of sides.entries()) {
        const { seconds } = await side.matmul(layout, SIZE, COUNT);
        if (round > 0) (measured[i]!.products[layout] ??= []).push(seconds);
      }
    }
  }
  return { made: madeBy, size: SIZE, rounds, measured };
}

interface Contestant {
  program: Measured['program'];
  command: string[];
  env: NodeJS.ProcessEnv;
}

async function contestants(): Promise<Contestant[]> {
  // The drivers of this process's own environment are for no side.
  const drivers = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'LD_LIBRARY_PATH'];
  const env: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !drivers.includes(name)),
  );
  const ours = (more: NodeJS.ProcessEnv): Contestant => ({
    program: 'Ponder',
    command: [
      process.execPath,
      ...['--import', join(root, 'scripts/typescript.mjs')],
      join(here, 'ponder-side.ts'),
    ],
    env: { ...env, ...more },
  });
  const policy = ['policy', 'reward'].map((model) => join(root, 'public/models', model));
  const trl: Contestant = {
    program: 'TRL',
    command: [python(env), join(here, 'trl_side.py'), promptFile(), ...policy],
    env: { ...env, TOKENIZERS_PARALLELISM: 'false', HF_HUB_OFFLINE: '1' },
  };
  const other = values.icd && {
    VK_ICD_FILENAMES: values.icd,
    VK_DRIVER_FILES: values.icd,
    ...(values.libraries && { LD_LIBRARY_PATH: values.libraries }),
  };
  return [
    trl,
    ours(await softwareGpuEnv()),
    ...(other
      ? ['card', 'cpu', 'wide'].map((kernels) => ours({ ...other, PONDER_KERNELS: kernels }))
      : []),
  ];
}

/** The prompts of the default recipe in its order, as TRL reads them. */
function promptFile(): string {
  const file = join(scratch, 'prompts.jsonl');
  const rows = Array.from({ length: 16 * (rounds + 1) }, (_, i) => ({
    prompt: [{ role: 'user', content: promptText(drawPrompt(new Random(0, `prompt ${i}`))) }],
  }));
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

function python(env: NodeJS.ProcessEnv): string {
  if (values.python !== undefined) return values.python;
  const venv = join(root, 'node_modules/.cache/ponder/venv-trl');
  const own = join(venv, 'bin/python');
  const requirements = ['-m', 'pip', 'install', '--quiet', '-r', join(here, 'requirements.txt')];
  const commands: [string, string[]][] = existsSync(own)
    ? [[own, requirements]]
    : [
        ['python3', ['-m', 'venv', venv]],
        [own, requirements],
      ];
  for (const [command, args] of commands) {
    const { status } = spawnSync(command, args, { stdio: 'inherit', env });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed; see above`);
  }
  return own;
}
