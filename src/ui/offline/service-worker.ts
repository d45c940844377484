/**
 * Stores the built page (code, shipped models, recorded run) so that it works without a network after
 * the first visit. Each build has one cache, filled at once and never extended: visitors' own files
 * are not in it. Files with a hash in their name cannot change, so they come from the cache first; all
 * others come from the network first. A newer build fills its own cache, and takes over when the last
 * page of the older build is closed: offline, a page never mixes files of two builds.
 */

/** Written by scripts/offline-plugin.ts: the files, relative to this one, and a hash of all of them. */
const BUILD = '__BUILD__' as unknown as { version: string; files: string[] };

const worker = self as unknown as ServiceWorkerGlobalScope;
const { scope } = worker.registration;
/** An origin may serve several copies of Ponder, each below its own path. */
const PREFIX = `ponder ${scope} `;
const CACHE = PREFIX + BUILD.version;
const HASHED = `${scope}assets/`;

worker.addEventListener('install', (event) => {
  event.waitUntil(keepAll());
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers());
});

worker.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method !== 'GET' || !url.startsWith(scope)) return;
  event.respondWith(
    url.startsWith(HASHED) ? cacheFirst(event.request) : networkFirst(event.request),
  );
});

async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(
    BUILD.files.map((file) => {
      const url = new URL(file, scope).href;
      return new Request(url, { cache: url.startsWith(HASHED) ? 'default' : 'reload' });
    }),
  );
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names
      .filter((name) => name.startsWith(PREFIX) && name !== CACHE)
      .map((name) => caches.delete(name)),
  );
}

async function kept(request: Request): Promise<Response | undefined> {
  const cache = await caches.open(CACHE);
  // A server's Vary header must not hide a file: there is one of each name.
  const file = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
  if (file || request.mode !== 'navigate') return file;
  return cache.match(new URL('index.html', scope), { ignoreVary: true });
}

async function cacheFirst(request: Request): Promise<Response> {
  return (await kept(request)) ?? fetch(request);
}

async function networkFirst(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    // The cache has all files of the build: for any other file, answer as a server would.
    return (await kept(request)) ?? new Response(null, { status: 404 });
  }
}
