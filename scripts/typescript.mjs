// node --import scripts/typescript.mjs FILE.ts: runs TypeScript that imports shaders as Vite does,
// `import code from './kernel.wgsl?raw'`.
import { register } from 'node:module';
import { ensureInstalled } from './install.mjs';

await ensureInstalled('src/cli');
const { register: registerTypeScript } = await import('tsx/esm/api');

registerTypeScript();
register('./wgsl-loader.mjs', import.meta.url);
