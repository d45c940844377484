/**
 * Keeps the built page (code, shipped models, recorded run) so that it works without a network after
 * the first visit. One cache per build, filled at once and never added to: what visitors bring is not
 * in it. Files with a hash in their name cannot change, so the cache answers first; everything else
 * is asked of the network first. A newer build fills its own cache beside, and takes over when the
 * last page of the older one is closed: offline, a page has all files of one build or of the other.
 */

/** Written by scripts/offline-plugin.ts: the files, relative to this one, and a hash of all of them. */
const BUILD = '__BUILD__' as unknown as { version: string; files: string[] };

const worker = self as unknown as ServiceWorkerGlobalScope;
const { scope } = worker.registration;
/** An origin may serve several Ponders, each below a path of its own. */
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
  return request.mode === 'navigate'
    ? cache.match(new URL('index.html', scope))
    : cache.match(request, { ignoreSearch: true });
}

async function cacheFirst(request: Request): Promise<Response> {
  return (await kept(request)) ?? fetch(request);
}

async function networkFirst(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    // All files of the build are kept: another one is not there, as a server would say.
    return (await kept(request)) ?? new Response(null, { status: 404 });
  }
}
