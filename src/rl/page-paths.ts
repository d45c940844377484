/** What paths in a recipe mean to the page and its workers. */
import { CheckpointError } from '../model/errors.ts';
import { urlFolder, type CheckpointFolder } from '../model/files.ts';
import { storedFolder, storedModels } from '../model/stored-models.ts';

/** Before the name of a model that the visitor brought. */
const STORED = 'stored:';

export const storedPath = (name: string): string => STORED + name;

/**
 * Relative to the page, which is one folder above the built workers; what lies under public/ in the
 * source tree is served beside the page.
 */
export function pageUrl(path: string): string {
  const { origin, pathname } = self.location;
  const assets = pathname.lastIndexOf('/assets/');
  const page = assets >= 0 ? pathname.slice(0, assets + 1) : '/';
  return new URL(path.replace(/^public\//, ''), origin + page).href;
}

export async function pageModelFolder(path: string): Promise<CheckpointFolder> {
  return path.startsWith(STORED)
    ? storedFolder(path.slice(STORED.length))
    : urlFolder(pageUrl(path));
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
