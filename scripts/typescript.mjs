// node --import scripts/typescript.mjs FILE.ts: runs TypeScript that imports shaders as Vite does,
// `import code from './kernel.wgsl?raw'`.
import { register } from 'node:module';
import 'tsx';

register('./wgsl-loader.mjs', import.meta.url);
