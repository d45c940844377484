// The command line: runs src/cli/main.ts as it stands, with WebGPU from the graphics card or, on a
// machine without one, from the software adapter.
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
  { stdio: 'inherit', env: { ...process.env, ...(await gpuEnv()) } },
);
// Ctrl-C reaches the child by itself; what is left to do here is to wait for its last words.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
