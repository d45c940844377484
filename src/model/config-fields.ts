/** Typed access to the fields of a config.json. Each error names the file and the field. */
import { CheckpointError } from './errors.ts';

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

  /** A whole number of at least 1. Without a default the field must be there. */
  size(field: string, byDefault?: number): number {
    const value = this.get(field) ?? byDefault;
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw this.error(field, 'must be a whole number of at least 1', value);
    }
    return value as number;
  }

  positive(field: string, byDefault?: number): number {
    const value = this.get(field) ?? byDefault;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw this.error(field, 'must be a positive number', value);
    }
    return value;
  }

  /** false when absent. */
  flag(field: string): boolean {
    const value = this.get(field) ?? false;
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

  /** `value` is the value that was checked, if it is not the field's own (a default). */
  error(field: string, must: string, value = this.get(field)): CheckpointError {
    const found = value === undefined ? 'is missing; it' : `is ${JSON.stringify(value)}; it`;
    return new CheckpointError(`${this.path}: ${this.prefix}${field} ${found} ${must}`);
  }

  unsupported(field: string, supported: string): CheckpointError {
    const value = JSON.stringify(this.get(field));
    return new CheckpointError(
      `${this.path}: ${this.prefix}${field} ${value} is not supported, only ${supported}; ` +
        'choose another model',
    );
  }
}
