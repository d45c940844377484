/** What paths in a recipe mean to the page and its workers. */
import { urlFolder, type CheckpointFolder } from '../model/files.ts';
import { storedFolder } from '../model/stored-models.ts';

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
