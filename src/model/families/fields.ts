/** A config.json as the families read it. */

/** Access to the fields of a config.json; its errors name the file and the field. */
export interface Fields {
  get(field: string): unknown;
  has(field: string): boolean;
  object(field: string): Fields | undefined;
  size(field: string, byDefault?: number): number;
  positive(field: string, byDefault?: number): number;
  flag(field: string): boolean;
  error(field: string, must: string): Error;
  unsupported(field: string, supported: string): Error;
  readonly isEmpty: boolean;
  /** A field whose value is an object. */
  nestedField(): string | undefined;
}

/** The sizes that are read the same way for every family. */
export interface Sizes {
  hiddenSize: number;
  heads: number;
  headDim: number;
  layers: number;
  maxPositions: number;
}
