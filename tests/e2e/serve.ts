/** Serves the built page once for all end-to-end tests. */
import { join } from 'node:path';
import { preview } from 'vite';
import type { TestProject } from 'vitest/node';

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
  return () => server.close();
}
