// Installs the packages of a command when it is first called: package.json names the page's packages, and
// each workspace those of another part. It uses only Node, because all other scripts start with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The workspaces, and the purpose of their packages. */
const PURPOSES = {
  'src/cli': 'the command line',
  scripts: 'a machine without a graphics card',
  tests: 'the tests',
};

/** @typedef {keyof typeof PURPOSES} Workspace */
/**
 * Packages by their folder, as in a lock file of npm; a workspace is a package too.
 * @typedef {Record<string, { version?: string, dependencies?: object, devDependencies?: object }>} Packages
 */

/** The file that npm writes when everything is installed. */
const RECORD = 'node_modules/.package-lock.json';
/** A file that exists while a process installs; that process touches it again and again. */
const mark = join(root, '.cache', 'installing');
const TOUCHED_EVERY = 1000;
const LEFT_BEHIND_AFTER = 6000;

/**
 * Returns when the packages of the page and of these workspaces are installed; ends the process if npm
 * fails. It never writes to standard output, which belongs to the command.
 * @param {Workspace[]} workspaces
 */
export async function ensureInstalled(...workspaces) {
  if (isInstalled(workspaces)) return;
  await takeMark();
  // Another process may have installed them meanwhile.
  const code = isInstalled(workspaces) ? 0 : await install(workspaces);
  // After a failure npm restores the old state; if it was killed, packages may be incomplete.
  if (code === null) rmSync(join(root, RECORD), { force: true });
  rmSync(mark, { force: true });
  if (code === 0) return;
  if (code !== null) {
    console.error('npm failed: see its message above, check the network connection and try again.');
  }
  process.exit(1);
}

/** @param {Workspace[]} workspaces */
function isInstalled(workspaces) {
  const locked = packagesIn('package-lock.json');
  const present = packagesIn(RECORD);
  const current = Object.entries(present).every(
    ([folder, { version }]) => !locked[folder] || locked[folder].version === version,
  );
  return (
    current &&
    ['', ...workspaces].every((part) =>
      Object.keys({ ...locked[part]?.dependencies, ...locked[part]?.devDependencies }).every(
        (name) => present[`node_modules/${name}`],
      ),
    )
  );
}

/**
 * @param {string} file
 * @returns {Packages} none if there is no such file
 */
function packagesIn(file) {
  try {
    /** @type {{ packages: Packages }} */
    const { packages } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    return packages;
  } catch {
    return {};
  }
}

/** Waits until no other process installs. */
async function takeMark() {
  mkdirSync(dirname(mark), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(mark, '', { flag: 'wx' });
      return;
    } catch (error) {
      if (!isThere(error)) throw error;
    }
    const touched = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - touched > LEFT_BEHIND_AFTER) {
      // That process and its npm have ended, so node_modules may be incomplete.
      rmSync(join(root, RECORD), { force: true });
      rmSync(mark, { force: true });
    } else {
      if (!waited) console.error('Waiting for another command that installs packages...');
      await setTimeout(200);
    }
  }
}

/** @param {unknown} error */
function isThere(error) {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/**
 * Adds to the installed packages, or installs from nothing if they are incomplete.
 * @param {Workspace[]} workspaces
 * @returns {Promise<number | null>} npm's exit code; null if it was killed
 */
async function install(workspaces) {
  const present = packagesIn(RECORD);
  const parts = [...workspaces, ...Object.keys(PURPOSES).filter((part) => present[part])];
  const purpose = workspaces.map((part) => PURPOSES[part]).at(-1) ?? 'the page';
  console.error(`Installing packages for ${purpose} (once)...`);
  const child = spawn(
    'npm',
    [
      ...(existsSync(join(root, RECORD)) ? ['install', '--no-save'] : ['ci']),
      // npm's warnings are shown even under `npm run --silent`.
      '--loglevel=warn',
      // No package needs its scripts, and none gets to run one.
      '--ignore-scripts',
      '--include=dev',
      ...(parts.length === 0 ? ['--workspaces=false'] : ['--include-workspace-root']),
      ...parts.map((part) => `--workspace=${part}`),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const touching = setInterval(() => utimesSync(mark, new Date(), new Date()), TOUCHED_EVERY);
  // SIGKILL, because npm would continue for many seconds after a softer signal.
  const end = () => child.kill('SIGKILL');
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  /** @type {(number | null)[]} */
  const [code] = await once(child, 'close');
  process.off('SIGINT', end);
  process.off('SIGTERM', end);
  clearInterval(touching);
  return code ?? null;
}
