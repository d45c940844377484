import type { Files } from './returned.ts';

/** A text file that is there. */
export const readText = async (files: Files, path: string): Promise<string> =>
  new TextDecoder().decode(await files.get(path)!.read());
