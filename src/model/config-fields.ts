/** Typed access to the fields of a config.json. Each error names the file and the field. */
import { CheckpointError, shown } from './errors.ts';

/**
 * The largest sizes that are believed, so that a file of a few bytes cannot ask for much time or
 * memory. No published model comes near them.
 */
const LARGEST: Readonly<Record<string, number>> = {
  num_hidden_layers: 1000,
  num_attention_heads: 4096,
  num_key_value_heads: 4096,
  head_dim: 4096,
  hidden_size: 2 ** 17,
  intermediate_size: 2 ** 20,
  vocab_size: 2 ** 24,
};
const LARGEST_OTHER = 2 ** 31;

export class ConfigFields {
  constructor(
    private readonly json: Record<string, unknown>,
    readonly path: string,
    /** Of a nested object: its name and a dot. */
    private readonly prefix = '',
  ) {}

  get(field: string): unknown {
    return Object.hasOwn(this.json, field) ? this.json[field] : undefined;
  }

  /** Whether the field is there and not null. */
  has(field: string): boolean {
    const value = this.get(field);
    return value !== null && value !== undefined;
  }

  /** A nested object; undefined when it is absent or null. */
  object(field: string): ConfigFields | undefined {
    const value = this.get(field);
    if (!this.has(field)) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw this.error(field, 'must be an object');
    }
    return new ConfigFields(value as Record<string, unknown>, this.path, `${field}.`);
  }

  get isEmpty(): boolean {
    return Object.keys(this.json).length === 0;
  }

  /** A field whose value is an object. */
  nestedField(): string | undefined {
    const isNested = ([, value]: [string, unknown]): boolean =>
      typeof value === 'object' && value !== null && !Array.isArray(value);
    return Object.entries(this.json).find(isNested)?.[0];
  }

  /** A whole number from 1 to its largest. Without a default the field must be there. */
  size(field: string, byDefault?: number): number {
    const value = this.get(field) ?? byDefault;
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw this.error(field, 'must be a whole number of at least 1', value);
    }
    const largest = LARGEST[field] ?? LARGEST_OTHER;
    if ((value as number) > largest) throw this.error(field, `must be at most ${largest}`, value);
    return value as number;
  }

  positive(field: string, byDefault?: number): number {
    const value = this.get(field) ?? byDefault;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw this.error(field, 'must be a positive number', value);
    }
    return value;
  }

  flag(field: string, byDefault = false): boolean {
    const value = this.get(field) ?? byDefault;
    if (typeof value !== 'boolean') throw this.error(field, 'must be true or false');
    return value;
  }

  /** One id or a list of them; none when absent or null. */
  tokenIds(field: string, vocabSize: number): number[] {
    const value = this.get(field) ?? [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    const valid = (id: unknown): id is number =>
      Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < vocabSize;
    if (!ids.every(valid)) {
      throw this.error(field, `must be token ids below vocab_size ${vocabSize}`);
    }
    return ids;
  }

  /**
   * The first id of a field that only labels positions. As in transformers, an id that no row of the
   * embedding has (-1, or one past the vocabulary) is the same as none.
   */
  tokenInVocabulary(field: string, vocabSize: number): number | undefined {
    const value = this.get(field) ?? undefined;
    const id: unknown = Array.isArray(value) ? value[0] : value;
    if (id === undefined) return undefined;
    if (!Number.isSafeInteger(id)) throw this.error(field, 'must be a token id');
    return (id as number) >= 0 && (id as number) < vocabSize ? (id as number) : undefined;
  }

  /** `value` is the value that was checked, if it is not the field's own (a default). */
  error(field: string, must: string, value = this.get(field)): CheckpointError {
    const found = value === undefined ? 'is missing; it' : `is ${shown(value)}; it`;
    return new CheckpointError(`${this.path}: ${this.prefix}${field} ${found} ${must}`);
  }

  unsupported(field: string, supported: string): CheckpointError {
    const value = shown(this.get(field));
    return new CheckpointError(
      `${this.path}: ${this.prefix}${field} ${value} is not supported, only ${supported}; ` +
        'choose another model',
    );
  }
}
