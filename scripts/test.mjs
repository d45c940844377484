// npm test: lint, types, format and imports, unit and GPU tests, and the end-to-end tests of the built page
// in a real browser; or only one of these parts, and only the test files with one of the NAMEs in their path:
//   npm test -- [lint | check | unit [NAME...] | e2e [NAME...]]
// The last line is the sum over all parts; linting, checking and building count as one test each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureInstalled, root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

/**
 * For glibc: by itself it returns what each compiled kernel frees to the system, and takes it again for the next.
 * That is a tenth of the software adapter's time to compile.
 */
const KEEPS_FREED_MEMORY = {
  MALLOC_TRIM_THRESHOLD_: String(2 ** 30),
  MALLOC_TOP_PAD_: String(2 ** 26),
  MALLOC_MMAP_THRESHOLD_: String(2 ** 25),
};

const PARTS = ['lint', 'check', 'unit', 'e2e'];
const [part, ...names] = process.argv.slice(2);
if (part !== undefined && !PARTS.includes(part)) {
  refuse(`npm test has no part ${part}; choose one of ${PARTS.join(', ')}.`);
}
if ((part === 'lint' || part === 'check') && names.length > 0) {
  refuse(`npm test -- ${part} always checks all files; leave out ${names.join(' ')}.`);
}
const parts = part === undefined ? PARTS : [part];

await ensureInstalled('src/cli', 'scripts', 'tests');
let passed = 0;
let failed = 0;
/** The failures, printed again at the end, where people look first in a long log. @type {string[]} */
const failures = [];
const reports = mkdtempSync(join(tmpdir(), 'ponder-test-'));

// ESLint keeps one core busy, checking and building the other. The unit tests do not wait for ESLint.
const linted = parts.includes('lint') && script('lint');
const built = await checkAndBuild();
if (parts.includes('unit')) {
  await suite('unit', 'vitest.config.ts', { ...(await gpuEnv()), ...KEEPS_FREED_MEMORY });
}
await linted;
if (built) await suite('end-to-end', 'tests/e2e/vitest.config.ts');

rmSync(reports, { recursive: true });
if (failures.length > 0) console.log(`\nfailed:\n${failures.join('\n')}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** @param {string} sentence */
function refuse(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** @returns {Promise<boolean>} whether there is a page to test */
async function checkAndBuild() {
  if (parts.includes('check')) await script('check');
  return parts.includes('e2e') && (await script('build'));
}

/**
 * Prints what an npm script said when it ends: another may run beside it.
 * @param {string} name
 */
async function script(name) {
  console.log(`\n== ${name} begins`);
  const child = spawn('npm', ['run', '--silent', name], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (said += text));
  }
  const [code] = await once(child, 'close');
  const ok = code === 0;
  console.log(`\n== ${name} ${ok ? 'passed' : 'failed'}\n${said}`);
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
async function suite(name, config, env = {}) {
  console.log(`\n== ${name} tests`);
  const report = join(reports, `${name}.json`);
  const args = [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    ...['run', '--config', config, '--reporter=default', '--reporter=json'],
    `--outputFile.json=${report}`,
    ...names,
  ];
  const options = { cwd: root, env: { ...process.env, ...env } };
  const [code] = await once(
    spawn(process.execPath, args, { ...options, stdio: 'inherit' }),
    'close',
  );
  const ok = code === 0;
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
