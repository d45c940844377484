// npm run fuzz -- [--minutes 1] [--cases COUNT] [--seed 1] [--only NAME]: see tests/fuzz/main.ts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './install.mjs';

await ensureInstalled('src/cli', 'scripts', 'tests');
const { status } = spawnSync(
  process.execPath,
  [
    ...[
      '--expose-gc',
      '--import',
      join(root, 'scripts', 'typescript.mjs'),
      join(root, 'tests', 'fuzz', 'main.ts'),
    ],
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
