/** The rotary frequencies of a model on the GPU: a table for each kind that its layers have. */
import type { Memory, View } from '../gpu/memory.ts';
import type { ModelConfig } from './config.ts';
import { ropesOf, rotaryDim, type RopeKind } from './layer-kinds.ts';
import { attentionFactor, dependsOnLength, inverseFrequencies } from './rope.ts';

export interface RopeTable {
  /** f32 [rotaryDim / 2], radians per position. */
  readonly frequencies: View;
  /** Rotated elements are multiplied by it. */
  readonly factor: number;
}

export class RopeTables {
  private readonly tables: ReadonlyMap<RopeKind, RopeTable>;
  private length = 0;

  constructor(
    private readonly memory: Memory,
    private readonly config: ModelConfig,
  ) {
    this.tables = new Map(
      [...ropesOf(config)].map(([kind, rope]) => [
        kind,
        {
          frequencies: memory.allocate('weights', 2 * rotaryDim(config), 'rotary frequencies'),
          factor: rope ? attentionFactor(rope) : 1,
        },
      ]),
    );
    this.upload();
  }

  of(kind: RopeKind): RopeTable {
    return this.tables.get(kind)!;
  }

  /** The frequencies differ from one length of sequences to another. */
  get dependOnLength(): boolean {
    return [...ropesOf(this.config).values()].some((rope) => rope && dependsOnLength(rope));
  }

  /**
   * From here on, the longest sequence has so many tokens. As in transformers, all sequences of a
   * batch have the frequencies of the longest.
   */
  useLength(length: number): void {
    if (length === this.length || !this.dependOnLength) return;
    this.length = length;
    this.upload();
  }

  /** Whether sequences of these lengths have the same frequencies. */
  areSame(one: number, other: number): boolean {
    const dim = rotaryDim(this.config);
    return [...ropesOf(this.config).values()].every(
      (rope) =>
        !rope ||
        inverseFrequencies(rope, dim, one).join() === inverseFrequencies(rope, dim, other).join(),
    );
  }

  destroy(): void {
    for (const { frequencies } of this.tables.values()) this.memory.release('weights', frequencies);
  }

  private upload(): void {
    const dim = rotaryDim(this.config);
    for (const [kind, rope] of ropesOf(this.config)) {
      // Without a rotary embedding, all angles are zero.
      const values = rope ? inverseFrequencies(rope, dim, this.length) : new Array(dim / 2).fill(0);
      this.memory.upload(this.of(kind).frequencies, Float32Array.from(values as number[]));
    }
  }
}
