/** Gives the service worker the list of the build's files, and a version: a hash of all of them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';

const WORKER = 'service-worker.js';

export function offline(): Plugin {
  let publicDir = '';
  return {
    name: 'ponder-offline',
    apply: 'build',
    configResolved(config) {
      ({ publicDir } = config);
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const worker = bundle[WORKER];
        if (worker?.type !== 'chunk') throw new Error(`the build made no ${WORKER}`);
        const files = new Map<string, string | Uint8Array>();
        for (const item of Object.values(bundle)) {
          if (item === worker) continue;
          files.set(item.fileName, item.type === 'chunk' ? item.code : item.source);
        }
        for (const path of filesBelow(publicDir)) {
          files.set(relative(publicDir, path).split(sep).join('/'), readFileSync(path));
        }
        const hash = createHash('sha256').update(worker.code);
        const names = [...files.keys()].sort();
        for (const name of names) hash.update(name).update(files.get(name)!);
        const build = { version: hash.digest('hex').slice(0, 16), files: names };
        worker.code = worker.code.replace(/(["'`])__BUILD__\1/, () => JSON.stringify(build));
      },
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
