/** The part of the browser's Web Locks that runs use, for one tab; Node has none before version 24. */
interface Request {
  name: string;
  mode: 'exclusive' | 'shared';
  grant: () => void;
}

type Options = { mode?: 'exclusive' | 'shared'; signal?: AbortSignal };

export class FakeLocks {
  private held: Request[] = [];
  private waiting: Request[] = [];

  async request<T>(
    name: string,
    given: Options | (() => T | Promise<T>),
    callback?: () => T | Promise<T>,
  ): Promise<T> {
    const { mode = 'exclusive', signal } = typeof given === 'function' ? {} : given;
    const work = typeof given === 'function' ? given : callback!;
    let own: Request | undefined;
    await new Promise<void>((grant, refuse) => {
      own = { name, mode, grant };
      this.waiting.push(own);
      signal?.addEventListener('abort', () => {
        this.waiting = this.waiting.filter((other) => other !== own);
        refuse(signal.reason as Error);
      });
      this.grantFree();
    });
    try {
      return await work();
    } finally {
      this.held = this.held.filter((other) => other !== own);
      this.grantFree();
    }
  }

  query(): Promise<{ held: { name: string }[] }> {
    return Promise.resolve({ held: this.held.map(({ name }) => ({ name })) });
  }

  private grantFree(): void {
    for (const request of [...this.waiting]) {
      const isShared = (other: Request): boolean =>
        other.mode === 'shared' && request.mode === 'shared';
      if (this.held.some((other) => other.name === request.name && !isShared(other))) continue;
      this.waiting = this.waiting.filter((other) => other !== request);
      this.held.push(request);
      request.grant();
    }
  }
}
