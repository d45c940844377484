// The command line: runs src/cli/main.ts from its source, with WebGPU from the graphics card, or from the
// software adapter on a machine without one. Its process ends when this one is killed.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

// One Ctrl-C comes twice under npm: from the terminal, and from npm, which may be late on a busy machine. The
// command itself counts what comes from the terminal.
const SAME_MS = 2000;

const child = spawn(
  process.execPath,
  [
    ...['--import', join(root, 'scripts', 'typescript.mjs')],
    join(root, 'src', 'cli', 'main.ts'),
    ...process.argv.slice(2),
  ],
  { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...(await gpuEnv()) } },
);

/**
 * The exit code of a command that a signal has ended, as a shell counts it.
 * @param {NodeJS.Signals} signal
 */
const codeOf = (signal) => 128 + constants.signals[signal];

/** When the first signal came. @type {number | undefined} */
let asked;
/**
 * The first signal is passed on (src/cli/stop-signals.ts), and this process waits until the child has ended;
 * the second ends both.
 * @param {NodeJS.Signals} signal
 */
function heed(signal) {
  if (asked === undefined) {
    asked = performance.now();
    if (child.connected) child.send(signal);
  } else if (performance.now() - asked > SAME_MS) {
    child.kill('SIGKILL');
    process.exit(codeOf(signal));
  }
}
process.on('SIGINT', heed);
process.on('SIGTERM', heed);
child.on('exit', (code, signal) => process.exit(code ?? codeOf(signal ?? 'SIGTERM')));
