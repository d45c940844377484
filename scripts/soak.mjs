// npm run soak -- [--steps 3000]: does a long run need more and more memory? GRPO on the built-in world,
// with a reward model on a second device, evaluations and checkpoints. A row every 100 steps goes to
// results/reliability/soak.csv. All steps have one process and the same devices, so that nothing is freed
// by a new start.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

await ensureInstalled('src/cli', 'scripts', 'tests');
const { status } = spawnSync(
  process.execPath,
  [
    '--expose-gc',
    ...['--import', join(root, 'scripts', 'typescript.mjs')],
    ...[join(root, 'tests', 'reliability', 'soak.ts'), ...process.argv.slice(2)],
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(await gpuEnv()) } },
);
process.exitCode = status ?? 1;
