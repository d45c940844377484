/** A plain web server for a built page below some path, as a person's own web space would be. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

export interface StaticServer {
  /** Of the page, with a slash at the end. */
  url: string;
  /** Paths below it that were asked for, since the last look. */
  asked: string[];
  /** Serves the same address from another folder from now on. */
  folder: string;
  close(): Promise<void>;
}

export async function serveStatic(folder: string, path: string): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = pathname.startsWith(path) ? pathname.slice(path.length) || 'index.html' : '';
    served.asked.push(file);
    readFile(join(served.folder, file)).then(
      (body) => {
        // As Vite's preview server and many others send it.
        response.setHeader('Vary', 'Origin');
        response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
        response.end(body);
      },
      () => response.writeHead(404).end(),
    );
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const served: StaticServer = {
    url: `http://localhost:${port}${path}`,
    asked: [],
    folder,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return served;
}
