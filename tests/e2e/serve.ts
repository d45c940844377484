/** Serves the built page once for all end-to-end tests, and unpacks the browser that they start. */
import { join } from 'node:path';
import { preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { launchBrowser } from '../../scripts/browser.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the built page is, with a slash at the end: `inject('page')`. */
    page: string;
  }
}

export default async function serve(project: TestProject): Promise<() => Promise<void>> {
  const root = join(import.meta.dirname, '..', '..');
  const server = await preview({ root, logLevel: 'warn', preview: { port: 4273 } });
  project.provide('page', server.resolvedUrls!.local[0]!);
  // Two files that begin at once would both unpack it.
  await (await launchBrowser()).close();
  return () => server.close();
}
