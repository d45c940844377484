/**
 * Small values that the next visit finds. Where the browser stores nothing, as in some private windows,
 * nothing is remembered and nothing fails.
 */
import { del, get, set } from 'idb-keyval';

/** undefined if nothing is remembered. */
export function recall<T>(key: string): Promise<T | undefined> {
  return get<T>(key).catch(() => undefined);
}

export function remember(key: string, value: unknown): Promise<void> {
  return set(key, value).catch(() => undefined);
}

export function forget(key: string): Promise<void> {
  return del(key).catch(() => undefined);
}
