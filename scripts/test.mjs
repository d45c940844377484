// npm test: lint, types, unit and GPU tests, the build, and the end-to-end tests in a real browser.
// Its last line is the sum over all of them; linting, type checking and building count as one each.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
// Only now: it needs the packages.
const { gpuEnv } = await import('./software-gpu.mjs');

let passed = 0;
let failed = 0;
/** The failures, printed again at the end, where people look first in a long log. @type {string[]} */
const failures = [];
const reports = mkdtempSync(join(tmpdir(), 'ponder-test-'));

script('lint');
script('check');
suite('unit', 'vitest.config.ts', await gpuEnv());
if (script('build')) suite('end-to-end', 'tests/e2e/vitest.config.ts');

rmSync(reports, { recursive: true });
if (failures.length > 0) console.log(`\nfailed:\n${failures.join('\n')}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** @param {string} name */
function script(name) {
  console.log(`\n== ${name}`);
  const ok = run('npm', ['run', '--silent', name]);
  if (ok) passed++;
  else {
    failed++;
    failures.push(`npm run ${name}`);
  }
  return ok;
}

/**
 * @param {string} name
 * @param {string} config
 * @param {Record<string, string>} env
 */
function suite(name, config, env = {}) {
  console.log(`\n== ${name} tests`);
  const report = join(reports, `${name}.json`);
  const ok = run(
    process.execPath,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      ...['run', '--config', config, '--reporter=default', '--reporter=json'],
      `--outputFile.json=${report}`,
    ],
    env,
  );
  const result = readReport(report);
  passed += result.passed;
  // A file that does not load, or an error outside a test, fails the run without a failed test.
  if (!ok && result.failures.length === 0) result.failures.push(`${name} tests: see above`);
  failed += result.failures.length;
  failures.push(...result.failures);
}

/**
 * @typedef {{ name: string, assertionResults: {
 *   fullName: string, status: string, failureMessages?: string[] }[] }} TestFile
 */

/** @param {string} report */
function readReport(report) {
  try {
    /** @type {{ numPassedTests: number, testResults: TestFile[] }} */
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failures: testResults.flatMap(failuresOf) };
  } catch {
    return { passed: 0, failures: [] };
  }
}

/** @param {TestFile} file */
function failuresOf({ name, assertionResults }) {
  return assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => {
      const [message = ''] = (failureMessages?.[0] ?? '').split('\n');
      return `${relative(root, name)}: ${fullName}\n    ${message}`;
    });
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 */
function run(command, args, env = {}) {
  const child = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return child.status === 0;
}
