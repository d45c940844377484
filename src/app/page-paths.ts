/** What paths in a recipe mean to the page and its workers. */
import { CheckpointError } from '../model/errors.ts';
import { urlFolder, type CheckpointFolder } from '../model/files.ts';
import { storedFolder, storedModels } from '../model/stored-models.ts';

/** Before the name of a model or a file that the visitor brought. */
const STORED = 'stored:';

export const storedPath = (name: string): string => STORED + name;

/** undefined for what comes with the page. */
export function storedName(path: string): string | undefined {
  return path.startsWith(STORED) ? path.slice(STORED.length) : undefined;
}

/** Relative to the page; what lies under public/ in the source tree is served beside it. */
export function pageUrl(path: string): string {
  return new URL(path.replace(/^public\//, ''), pageAddress()).href;
}

/** In a worker, too, which is one folder below the page once it is built. */
function pageAddress(): string {
  const { document, location } = self as { document?: Document; location: Location };
  if (document) return document.baseURI;
  const { origin, pathname } = location;
  const assets = pathname.lastIndexOf('/assets/');
  return origin + (assets >= 0 ? pathname.slice(0, assets + 1) : '/');
}

export async function pageModelFolder(path: string): Promise<CheckpointFolder> {
  const name = storedName(path);
  return name === undefined ? urlFolder(pageUrl(path)) : storedFolder(name);
}

/** What ships with the page lies under this folder. */
export const SHIPPED = 'public/';

/** Of the models stored here the one that an adapter names as its base: folders go by their last name. */
export function baseAmong(names: readonly string[], base: string): string | undefined {
  const name = base.slice(base.lastIndexOf('/') + 1).replace(STORED, '');
  return names.find((stored) => stored === name);
}

/** @param base as an adapter names it: a path, or a model of the Hugging Face Hub */
export async function pageBaseFolder(base: string): Promise<CheckpointFolder> {
  if (base.startsWith(SHIPPED)) return pageModelFolder(base);
  const name = baseAmong(await storedModels(), base);
  if (name === undefined) {
    throw new CheckpointError(`it is not stored in this browser; drop ${base} on the page too`);
  }
  return storedFolder(name);
}
