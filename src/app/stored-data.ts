/**
 * Texts that a visitor brought or wrote (prompts as JSONL, rules as JavaScript), stored in the origin
 * private file system as data/NAME, where the page and the workers can read them.
 */
import { messageOf } from './message-of.ts';
import { pageUrl, storedName } from './page-paths.ts';

/** A file that cannot be read or stored; the message names it and says what to do. */
class DataError extends Error {
  override name = 'DataError';
}

async function shelf(): Promise<FileSystemDirectoryHandle> {
  const top = await navigator.storage.getDirectory();
  return top.getDirectoryHandle('data', { create: true });
}

/** Names in alphabetical order. */
export async function listStoredData(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await shelf()).keys()) names.push(name);
  return names.sort();
}

/** @throws DataError if it is not stored */
export async function readStoredData(name: string): Promise<string> {
  const handle = await (await shelf()).getFileHandle(name).catch(() => {
    throw new DataError(`${name} is not stored in this browser any more; add it again.`);
  });
  return (await handle.getFile()).text();
}

/** Replaces a file of the same name. */
export async function storeData(name: string, text: string): Promise<void> {
  try {
    const handle = await (await shelf()).getFileHandle(name, { create: true });
    const stream = await handle.createWritable();
    await stream.write(text);
    await stream.close();
  } catch (error) {
    throw new DataError(
      `${name} could not be stored (${messageOf(error)}); free some space in this browser.`,
    );
  }
}

export async function removeStoredData(name: string): Promise<void> {
  await (await shelf()).removeEntry(name).catch(() => undefined);
}

/** Reads a data file or a rule of a recipe: one stored in the browser, or one served beside the page. */
export async function readPageFile(path: string): Promise<string> {
  const name = storedName(path);
  if (name !== undefined) return readStoredData(name);
  const url = pageUrl(path);
  const response = await fetch(url, { redirect: 'error' }).catch(() => undefined);
  // Some servers answer with the page if a file is missing.
  const isPage = response?.headers.get('content-type')?.startsWith('text/html') ?? false;
  if (response?.ok && !isPage) return response.text();
  throw new DataError(`${url} cannot be fetched; check datasets and reward_funcs in the recipe.`);
}
