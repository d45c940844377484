/** A process that measures when it is asked, so that several can be timed in turn on one machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { KernelVariants } from '../../../src/gpu/variants.ts';

interface Answer {
  seconds: number;
  /** Of a step. */
  metrics?: Record<string, number>;
}

/** What a side says of itself when it is ready. */
export interface Ready {
  device: string;
  /** Of Ponder: its kernels, and whether the driver gets them by itself. */
  kernels?: KernelVariants;
  chosen?: boolean;
  /** Of TRL and of what it runs on. */
  versions?: Record<string, string>;
}

export class Side {
  private readonly answers: AsyncIterator<string>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    this.answers = createInterface(child.stdout!)[Symbol.asyncIterator]();
  }

  /** Starts the process; resolves with what it says when it is ready. */
  static async start(
    name: string,
    command: readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<{ side: Side; ready: Ready }> {
    const [program, ...args] = command;
    const child = spawn(program!, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const side = new Side(name, child);
    return { side, ready: (await side.next()) as Ready };
  }

  step(): Promise<Answer> {
    return this.ask('step');
  }

  matmul(layout: string, size: number, count: number): Promise<Answer> {
    return this.ask(`matmul ${layout} ${size} ${count}`);
  }

  end(): void {
    this.child.stdin!.end();
  }

  private async ask(line: string): Promise<Answer> {
    this.child.stdin!.write(`${line}\n`);
    return (await this.next()) as Answer;
  }

  private async next(): Promise<unknown> {
    const result = await this.answers.next();
    if (result.done) throw new Error(`${this.name} has ended; what it printed above says why`);
    return JSON.parse(result.value);
  }
}
