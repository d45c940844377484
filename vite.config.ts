import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { texPlugin } from './src/ui/learn/typeset.ts';

export default defineConfig({
  plugins: [svelte(), texPlugin()],
  base: './',
  build: { target: 'es2023', outDir: 'dist/page' },
  worker: { format: 'es' },
});
