/**
 * A disk in memory that stands in for node:fs/promises under ROOT. It can fail at any call: with an error,
 * by the death of the process, or by a power cut. What was not synced is then there in part, or not at all,
 * as SQLite's tests assume it: https://www.sqlite.org/testing.html#crash_testing
 */
import type * as NodeFs from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from '../../src/rl/random.ts';

export const ROOT = '/crash-disk';

interface Entry {
  folder: boolean;
  bytes: Buffer;
  /** What a power cut leaves for sure. */
  synced: Buffer;
}

type Names = Map<string, Entry>;

/** What happens at a call: an error code, or 'kill'. */
export type Fault = { at: number; code: string; lasting?: boolean };

export class Killed extends Error {}

class CrashDisk {
  /** As programs see it. */
  names: Names = new Map();
  /** As a power cut leaves it, for each name one of these entries; undefined: no such name. */
  private durable = new Map<string, (Entry | undefined)[]>();
  calls = 0;
  fault: Fault | undefined;
  private dead = false;

  clear(): void {
    this.names = new Map([[ROOT, folder()]]);
    this.durable = new Map([[ROOT, [this.names.get(ROOT)]]]);
    this.rearm();
  }

  /** Counts calls from 0 again, up to the next fault. */
  rearm(fault?: Fault): void {
    this.calls = 0;
    this.fault = fault;
    this.dead = false;
  }

  /** What the next start of the machine finds. */
  cutPower(random: Random): void {
    const kept: Names = new Map();
    for (const [path, versions] of this.durable) {
      const entry = versions[random.below(versions.length)];
      if (entry) kept.set(path, entry);
    }
    for (const path of [...kept.keys()].sort()) {
      if (path !== ROOT && !kept.get(dirname(path))?.folder) kept.delete(path);
    }
    for (const entry of new Set(kept.values())) {
      entry.bytes = entry.synced = torn(entry, random);
    }
    this.names = kept;
    this.durable = new Map([...kept].map(([path, entry]) => [path, [entry]]));
  }

  /** Every call that changes something passes here. */
  change(path: string, onFailure?: () => void): void {
    if (this.dead) throw new Killed();
    const { fault } = this;
    this.calls++;
    if (!fault || (fault.lasting ? this.calls < fault.at : this.calls !== fault.at)) return;
    onFailure?.();
    if (fault.code !== 'kill') throw error(fault.code, path);
    this.dead = true;
    throw new Killed();
  }

  set(path: string, entry: Entry | undefined): void {
    if (entry) this.names.set(path, entry);
    else this.names.delete(path);
    const versions = this.durable.get(path) ?? [undefined];
    this.durable.set(path, [...versions, entry]);
  }

  syncNames(path: string): void {
    for (const name of this.durable.keys()) {
      if (dirname(name) === path) this.durable.set(name, [this.names.get(name)]);
    }
  }

  require(path: string): Entry {
    if (this.dead) throw new Killed();
    const entry = this.names.get(path);
    if (!entry) throw error('ENOENT', path);
    return entry;
  }

  under(path: string): string[] {
    return [...this.names.keys()].filter((name) => name.startsWith(`${path}/`));
  }
}

export const disk = new CrashDisk();

const folder = (): Entry => ({ folder: true, bytes: Buffer.alloc(0), synced: Buffer.alloc(0) });

function error(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code, syscall: 'write', path });
}

/** Of what was not synced, some came to the disk; or its length did, and zeros stand in its place. */
function torn({ bytes, synced }: Entry, random: Random): Buffer {
  if (bytes.equals(synced)) return bytes;
  const reached = random.below(bytes.length + 1);
  switch (random.below(4)) {
    case 0:
      return synced;
    case 1:
      return bytes;
    case 2:
      return bytes.subarray(0, reached);
    default:
      return Buffer.concat([bytes.subarray(0, reached), Buffer.alloc(bytes.length - reached)]);
  }
}

type Data = string | Uint8Array | AsyncIterable<Uint8Array>;

async function openFile(
  path: string,
  flags: number | string = constants.O_RDONLY,
): Promise<unknown> {
  const bits = typeof flags === 'number' ? flags : constants.O_RDONLY;
  await Promise.resolve();
  if (bits & constants.O_CREAT) {
    if (!disk.names.get(dirname(path))?.folder) throw error('ENOENT', path);
    disk.change(path);
    disk.set(path, { folder: false, bytes: Buffer.alloc(0), synced: Buffer.alloc(0) });
  }
  const entry = disk.require(path);
  return {
    async writeFile(data: Data): Promise<void> {
      const parts =
        typeof data === 'string' || data instanceof Uint8Array
          ? [Buffer.from(data as string)]
          : data;
      for await (const part of parts) {
        const half = part.subarray(0, part.length / 2);
        const append = (more: Uint8Array): void => {
          entry.bytes = Buffer.concat([entry.bytes, more]);
        };
        disk.change(path, () => append(half));
        append(part);
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
    async sync(): Promise<void> {
      disk.change(path);
      if (entry.folder) disk.syncNames(path);
      else entry.synced = entry.bytes;
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
    async read(into: Uint8Array, offset: number, length: number, at: number) {
      const bytesRead = entry.bytes.copy(into, offset, at, at + length);
      return { bytesRead };
    },
    close: () => Promise.resolve(),
  };
}

const own = {
  open: openFile,
  async mkdir(path: string): Promise<string | undefined> {
    if (disk.names.get(path)?.folder) return undefined;
    const first = await own.mkdir(dirname(path));
    disk.change(path);
    disk.set(path, folder());
    return first ?? path;
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
  async readdir(path: string) {
    disk.require(path);
    return disk
      .under(path)
      .filter((name) => dirname(name) === path)
      .map((name) => name.slice(path.length + 1));
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
  async rename(from: string, to: string) {
    const entry = disk.require(from);
    disk.change(to);
    disk.set(to, entry);
    disk.set(from, undefined);
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
  async rm(path: string) {
    // Each file goes by itself: a kill leaves the rest.
    for (const name of [...disk.under(path), path]) {
      if (!disk.names.has(name)) continue;
      disk.change(name);
      disk.set(name, undefined);
    }
  },
  // eslint-disable-next-line @typescript-eslint/require-await -- as Node has it
  async stat(path: string) {
    const { folder: isFolder, bytes } = disk.require(path);
    return { isFile: () => !isFolder, isDirectory: () => isFolder, size: bytes.length };
  },
};

/** node:fs/promises, where paths under ROOT lie on the disk in memory. */
export function crashing(real: typeof NodeFs): typeof NodeFs {
  const routed = Object.entries(own).map(([name, ours]) => {
    const theirs = real[name as 'open'] as (...args: unknown[]) => unknown;
    const either = (path: string, ...rest: unknown[]): unknown =>
      path.startsWith(ROOT) ? (ours as typeof theirs)(path, ...rest) : theirs(path, ...rest);
    return [name, either];
  });
  return { ...real, ...(Object.fromEntries(routed) as Partial<typeof NodeFs>) };
}
