// npm start: installs, builds the page, serves it, and opens the browser if there is one.
import { ensureInstalled, root } from './install.mjs';

await ensureInstalled();
// Svelte and Vite read it; if the shell sets "development", they would build for development.
process.env.NODE_ENV = 'production';
const { build, preview } = await import('vite');

console.log('Building the page...');
await build({ root, logLevel: 'warn' });
const hasBrowser =
  process.stdout.isTTY &&
  !process.env.CI &&
  (process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
const server = await preview({
  root,
  logLevel: 'warn',
  // If this port is in use, the next free one is taken.
  preview: { port: 4173, open: Boolean(hasBrowser) },
});
const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer.address());
console.log(`Ponder is at http://localhost:${address.port}\nStop it with Ctrl-C.`);
