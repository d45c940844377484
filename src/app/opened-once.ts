/** What is opened once for each key, such as a model for its path. What failed is tried again. */
export class OpenedOnce<T> {
  private readonly opened = new Map<string, Promise<T>>();

  open(key: string, open: () => Promise<T>): Promise<T> {
    const known = this.opened.get(key);
    if (known) return known;
    const opened = open();
    this.opened.set(key, opened);
    // The network may be there again, or a model be brought again.
    opened.catch(() => {
      if (this.opened.get(key) === opened) this.opened.delete(key);
    });
    return opened;
  }

  /** The next caller opens it anew. @returns what was open, if anything was */
  take(key: string): Promise<T> | undefined {
    const opened = this.opened.get(key);
    this.opened.delete(key);
    return opened;
  }
}
