/** How the page and its workers read the paths in a recipe. */
import { CheckpointError } from '../model/errors.ts';
import { urlFolder, type CheckpointFolder } from '../model/files.ts';
import { downloadFirst, hubName } from '../model/hub.ts';
import { ADAPTER_CONFIG, baseName } from '../model/peft.ts';
import { storedFolder, storedModels, storedNamesakes } from '../model/stored-models.ts';
import { STORED } from '../rl/recipe/paths.ts';

export const storedPath = (name: string): string => STORED + name;

/** The name without the prefix; undefined for a path that comes with the page. */
export function storedName(path: string): string | undefined {
  return path.startsWith(STORED) ? path.slice(STORED.length) : undefined;
}

/**
 * The URL of a path relative to the page; files under public/ in the source tree are served beside the page.
 * @throws CheckpointError for an address outside the page's own server: a link's recipe must not make the
 * page fetch from elsewhere
 */
export function pageUrl(path: string): string {
  const page = new URL(pageAddress());
  const url = new URL(path.replace(/^public\//, ''), page);
  if (url.protocol !== page.protocol || url.host !== page.host) {
    throw new CheckpointError(
      `${path} is not on this page's own server, and the page loads nothing from elsewhere; ` +
        'download the files and drop them on the page.',
    );
  }
  return url.href;
}

/** The page's address, also in a worker: a built worker is one folder below the page. */
function pageAddress(): string {
  const { document, location } = self as { document?: Document; location: Location };
  if (document) return document.baseURI;
  const { origin, pathname } = location;
  const assets = pathname.lastIndexOf('/assets/');
  return origin + (assets >= 0 ? pathname.slice(0, assets + 1) : '/');
}

/** @throws CheckpointError if it looks like a model of the Hub, and the page has no such folder */
export async function pageModelFolder(path: string): Promise<CheckpointFolder> {
  const name = storedName(path);
  if (name !== undefined) return storedFolder(name);
  const folder = urlFolder(pageUrl(path));
  const onHub = hubName(path);
  const isHere = async (file: string): Promise<boolean> => (await folder.open(file)) !== undefined;
  if (onHub === undefined || (await isHere('config.json')) || (await isHere(ADAPTER_CONFIG))) {
    return folder;
  }
  throw new CheckpointError(`${path} does not come with this page, and ${toPage(onHub)}`);
}

const toPage = (name: string): string =>
  downloadFirst(name, baseName(name), 'drop that folder on the page');

/** The folder of the files that ship with the page. */
export const SHIPPED = 'public/';

/** The stored model that an adapter names as its base, compared by the last part of the path. */
export function baseAmong(names: readonly string[], base: string): string | undefined {
  const name = baseName(base).replace(STORED, '');
  return names.find((stored) => stored === name);
}

/** @param base as the adapter names it: a path, or a model of the Hugging Face Hub */
export async function pageBaseFolder(base: string): Promise<CheckpointFolder> {
  if (base.startsWith(SHIPPED)) return pageModelFolder(base);
  const name = baseAmong(await storedModels(), base);
  if (name === undefined) {
    const onHub = hubName(base);
    const advice =
      onHub === undefined ? `; drop ${base} on the page too` : `, and ${toPage(onHub)}`;
    throw new CheckpointError(`it is not stored in this browser${advice}`);
  }
  // An adapter trained here names the stored model itself.
  const namesakes = base.startsWith(STORED) ? [] : await storedNamesakes(name);
  if (namesakes.length > 1) {
    throw new CheckpointError(
      `this browser stores several models called ${name} (${namesakes.join(', ')}), and it cannot tell which ` +
        'one is meant; remove the others, and drop the right one again if it is not found',
    );
  }
  return storedFolder(name);
}
