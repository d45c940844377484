// Installs the packages that package-lock.json names, unless they are there. Plain Node: everything
// else starts with it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Leaves standard output to the command that asked. */
export function ensureInstalled() {
  if (isInstalled()) return;
  console.error('Installing packages (once)...');
  const { status } = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('npm ci failed: see its message above, check the network connection, try again.');
    process.exit(1);
  }
}

function isInstalled() {
  try {
    const present = lockedPackages('node_modules/.package-lock.json');
    return Object.entries(lockedPackages('package-lock.json')).every(
      ([path, { version, optional }]) =>
        path === '' || optional || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}

/** @param {string} file */
function lockedPackages(file) {
  /** @type {{ packages: Record<string, { version: string, optional?: boolean }> }} */
  const lock = JSON.parse(readFileSync(join(root, file), 'utf8'));
  return lock.packages;
}
