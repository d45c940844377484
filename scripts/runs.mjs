// What the long jobs share: the command line in a process of its own, and runs that are made once.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

/**
 * Runs one command to its end; a failed one ends the job, which can be started again.
 * @param {string[]} args
 */
export function ponder(...args) {
  console.log(`== ponder ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'ponder.mjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Trains into a folder, unless that is done; goes on from the last checkpoint if it was begun.
 * @param {string} recipe
 * @param {string} out
 * @param {string[]} overrides
 */
export function train(recipe, out, ...overrides) {
  if (existsSync(join(root, out, 'summary.json'))) return;
  const begun = existsSync(join(root, out, 'checkpoints'));
  if (!begun) rmSync(join(root, out), { recursive: true, force: true });
  ponder('train', recipe, '--out', out, ...overrides, ...(begun ? ['--resume'] : []));
}
