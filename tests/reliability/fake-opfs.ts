/**
 * The origin private file system in memory, as far as Ponder uses it: a file appears when its stream is
 * closed. A call can fail with a DOMException, or the tab is closed, after which no call answers.
 */
export interface OpfsFault {
  /** Number of the call that changes something, from 1. */
  at: number;
  /** Number of the last call that fails; `at` if absent. */
  until?: number;
  /** Name of a DOMException, or 'close' for a tab that is closed. */
  name: string;
}

export class FakeOpfs {
  calls = 0;
  fault: OpfsFault | undefined;
  /** Called when the tab is closed. */
  onClose: () => void = () => undefined;
  private closed = false;
  readonly root = new Folder(this);

  rearm(fault?: OpfsFault): void {
    this.calls = 0;
    this.fault = fault;
    this.closed = false;
  }

  async change(): Promise<void> {
    if (!this.closed) this.calls++;
    const { at = Infinity, until = at } = this.fault ?? {};
    if (!this.closed && (this.calls < at || this.calls > until)) return;
    if (this.fault?.name !== 'close') throw new DOMException('fault', this.fault?.name);
    this.closed = true;
    this.onClose();
    await new Promise(() => undefined);
  }
}

const none = (name: string): DOMException => new DOMException(`no ${name}`, 'NotFoundError');

class Folder {
  readonly kind = 'directory';
  private readonly entries = new Map<string, Folder | File>();

  constructor(private readonly disk: FakeOpfs) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<Folder> {
    return this.entry(name, create, Folder);
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<File> {
    return this.entry(name, create, File);
  }

  private async entry<T extends Folder | File>(
    name: string,
    create: boolean,
    kind: new (disk: FakeOpfs) => T,
  ): Promise<T> {
    const found = this.entries.get(name);
    if (found && !(found instanceof kind)) throw new DOMException(name, 'TypeMismatchError');
    if (found) return found;
    if (!create) throw none(name);
    await this.disk.change();
    const made = new kind(this.disk);
    this.entries.set(name, made);
    return made;
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.entries.has(name)) throw none(name);
    await this.disk.change();
    this.entries.delete(name);
  }

  async *keys(): AsyncGenerator<string> {
    await Promise.resolve();
    yield* this.entries.keys();
  }
}

class File {
  readonly kind = 'file';
  private blob = new Blob([]);

  constructor(private readonly disk: FakeOpfs) {}

  getFile(): Promise<Blob> {
    return Promise.resolve(this.blob);
  }

  async createWritable({ keepExistingData = false } = {}) {
    await this.disk.change();
    const parts: BlobPart[] = keepExistingData ? [this.blob] : [];
    const methods = {
      seek: () => Promise.resolve(),
      write: async (part: Uint8Array<ArrayBuffer> | string) => {
        await this.disk.change();
        parts.push(typeof part === 'string' ? part : part.slice());
      },
      close: async () => {
        await this.disk.change();
        this.blob = new Blob(parts);
      },
      abort: () => Promise.resolve(),
    };
    // As in browsers, another stream can be piped into it.
    return Object.assign(new WritableStream(methods), methods);
  }
}
