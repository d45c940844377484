import { execFileSync } from 'node:child_process';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { offline } from './scripts/offline-plugin.ts';
import { HEADERS, securityPolicy } from './scripts/security-policy.ts';
import { texPlugin } from './src/ui/learn/typeset.ts';

/** A slow machine is nothing to warn of. */
const checks = { bundlerTimings: false };

/** The commit of the source; null outside a repository. A measurement names it. */
function commit(): string | null {
  try {
    const args = ['describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'];
    return execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

export default defineConfig({
  plugins: [svelte(), texPlugin(), offline(), securityPolicy()],
  preview: { headers: HEADERS },
  define: { __PONDER_COMMIT__: JSON.stringify(commit()) },
  base: './',
  build: {
    target: 'es2023',
    outDir: 'dist/page',
    rolldownOptions: {
      checks,
      input: {
        index: 'index.html',
        measure: 'measure.html',
        'service-worker': 'src/ui/offline/service-worker.ts',
      },
      // A service worker keeps its name, and rules over the folder that it lies in.
      output: {
        entryFileNames: ({ name }) =>
          name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
  worker: { format: 'es', rolldownOptions: { checks } },
});
