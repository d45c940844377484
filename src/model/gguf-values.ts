/** The keys of a GGUF file that begin with the name of its architecture. */
import { CheckpointError } from './errors.ts';
import type { GgufHeader, GgufValue } from './gguf-header.ts';

export class GgufValues {
  constructor(
    private readonly path: string,
    readonly architecture: string,
    private readonly header: GgufHeader,
  ) {}

  get(key: string): GgufValue | undefined {
    return this.header.values.get(`${this.architecture}.${key}`);
  }

  /**
   * Files have float32 numbers: the shortest decimal that is the same one is what the config said.
   * @throws CheckpointError when there is no number
   */
  number(key: string, byDefault?: number): number {
    const value = this.get(key) ?? byDefault;
    if (typeof value === 'number' && Number.isFinite(value)) return shortest(value);
    throw new CheckpointError(
      `${this.path} has no number ${this.architecture}.${key}; convert the model again`,
    );
  }

  hasTensor(name: string): boolean {
    return this.header.tensors.some((tensor) => tensor.name === name);
  }
}

function shortest(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}
