import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { offline } from './scripts/offline-plugin.ts';
import { HEADERS, securityPolicy } from './scripts/security-policy.ts';
import { commit } from './src/cli/commit.ts';
import { texPlugin } from './src/ui/learn/typeset.ts';

/** A slow machine is nothing to warn of. */
const checks = { bundlerTimings: false };

export default defineConfig({
  plugins: [svelte(), texPlugin(), offline(), securityPolicy()],
  preview: { headers: HEADERS },
  define: { __PONDER_COMMIT__: JSON.stringify(commit(import.meta.dirname)) },
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
