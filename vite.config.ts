import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { offline } from './scripts/offline-plugin.ts';
import { texPlugin } from './src/ui/learn/typeset.ts';

export default defineConfig({
  plugins: [svelte(), texPlugin(), offline()],
  base: './',
  build: {
    target: 'es2023',
    outDir: 'dist/page',
    rolldownOptions: {
      // A slow machine is nothing that a visitor can mend.
      checks: { bundlerTimings: false },
      input: { index: 'index.html', 'service-worker': 'src/ui/offline/service-worker.ts' },
      // A service worker keeps its name, and rules over the folder that it lies in.
      output: {
        entryFileNames: ({ name }) =>
          name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js',
      },
    },
  },
  worker: { format: 'es' },
});
