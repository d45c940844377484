// Measurements that take longer than a test; each writes a file in results/scaling (its README says which):
//   node scripts/measure.mjs growth|limits|llama-8b|trl
// `texts` writes the texts there again from the measurements.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

const names = ['growth', 'limits', 'llama-8b', 'trl', 'texts'];
const [name, ...options] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`node scripts/measure.mjs ${names.join('|')}`);
  process.exit(1);
}
const child = spawn(
  process.execPath,
  [
    ...['--import', join(root, 'scripts', 'typescript.mjs')],
    join(root, 'scripts', 'measure', name, 'main.ts'),
    ...options,
  ],
  { stdio: 'inherit', cwd: root, env: { ...process.env, ...(await gpuEnv()) } },
);
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
