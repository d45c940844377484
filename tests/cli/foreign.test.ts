/** Foreign code that never ends: the command line ends with one line, and soon. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Runs TypeScript with calls of at most a second; the patience of commands is longer. */
function run(code: string) {
  const start = `
    import { watchForeignCalls } from './src/cli/foreign-watch.ts';
    watchForeignCalls(1);
    ${code}
    console.log('went on');`;
  const loader = ['--import', './scripts/typescript.mjs', '--input-type=module', '--eval', start];
  const started = performance.now();
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, loader, {
    ...{ cwd: root, encoding: 'utf8', timeout: 60_000 },
  });
  return { stdout, stderr, ended: status ?? signal, ms: performance.now() - started };
}

const rule = (body: string): string => `
  import { Rule } from './src/rl/rewards/rule.ts';
  const rule = await Rule.open('mine.js', ${JSON.stringify(`export default (prompt, response) => { ${body} }`)});
  console.log(await rule.score([{ prompt: 'a', response: 'b' }]));`;

const TOKENIZER = `
  import { Tokenizer } from './src/model/tokenizer.ts';
  const files = {
    'tokenizer.json': {
      normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: 'x' },
      model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: 'a' },
      pre_tokenizer: null, post_processor: null, decoder: null,
    },
  };
  const tokenizer = await Tokenizer.load({
    name: 'evil',
    open: async (file) => files[file] && {
      path: file, size: 1,
      read: async () => new TextEncoder().encode(JSON.stringify(files[file])),
    },
  });
  tokenizer.encode('a'.repeat(60) + 'b');`;

it.each([
  [
    'a rule in a built-in function',
    rule('[].indexOf.call({ length: 2 ** 53 - 1 }, 1)'),
    'The rule mine',
  ],
  ['a pattern of a tokenizer', TOKENIZER, 'The tokenizer in evil/tokenizer.json'],
])('%s', (_, code, what) => {
  const { stdout, stderr, ended, ms } = run(code);
  expect(stderr).toBe(
    `ponder: ${what} takes longer than 1 seconds, so it was stopped; correct it, or use another.\n`,
  );
  expect([stdout, ended]).toEqual(['', 'SIGKILL']);
  expect(ms).toBeLessThan(30_000);
});

it('lets other calls go on, and the process end by itself', () => {
  const { stdout, stderr, ended } = run(rule('return response.length'));
  expect({ stdout, stderr, ended }).toEqual({ stdout: '[ 1 ]\nwent on\n', stderr: '', ended: 0 });
});
