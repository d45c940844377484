// node scripts/full-disk.mjs [--times 5]: a disk of a few megabytes that gets full, or read-only, while commands
// write to it; see tests/reliability/full-disk.ts. Linux, as root or where `unshare` may make a namespace.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './install.mjs';
import { gpuEnv } from './software-gpu.mjs';

await ensureInstalled('src/cli', 'scripts', 'tests');
const own = process.getuid?.() === 0 ? '-m' : '-rm';
const { status } = spawnSync(
  'unshare',
  [
    ...[own, process.execPath, '--import', join(root, 'scripts', 'typescript.mjs')],
    ...[join(root, 'tests', 'reliability', 'full-disk.ts'), ...process.argv.slice(2)],
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(await gpuEnv()) } },
);
if (status === null) console.error('There is no unshare here; this needs Linux.');
process.exitCode = status ?? 1;
