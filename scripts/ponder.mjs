// The command line: runs src/cli/main.ts from its source, with WebGPU from the graphics card, or from the
// software adapter on a machine without one. Its process ends when this one is killed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

const child = spawn(
  process.execPath,
  [
    ...['--import', join(root, 'scripts', 'typescript.mjs')],
    join(root, 'src', 'cli', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...(await gpuEnv()) } },
);
// Ctrl-C reaches the child too; this process only waits until the child has ended.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
