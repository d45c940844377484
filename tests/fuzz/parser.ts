/** A reader of files under test, and how its inputs are made. */
import fc from 'fast-check';
import { droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { changedJson, changedText } from './inputs.ts';

export interface Parser {
  readonly name: string;
  readonly inputs: fc.Arbitrary<string | Uint8Array<ArrayBuffer>>;
  /** Share of the cases of a run. Slow readers have less. */
  readonly weight: number;
  /** Reads an input. @returns what is wrong with a value that was accepted, or nothing */
  read(input: string | Uint8Array<ArrayBuffer>): Promise<string | undefined>;
}

export const folder = (files: Record<string, string | Uint8Array<ArrayBuffer>>): CheckpointFolder =>
  droppedFolder(
    new Map(Object.entries(files).map(([name, data]) => [`m/${name}`, new Blob([data])])),
  );

/** A reader of JSON files: changed in their values, and in their text. */
export function ofJson(
  name: string,
  seeds: readonly unknown[],
  read: (text: string) => Promise<string | undefined>,
  weight = 1,
): Parser {
  const texts = seeds.map((seed) => JSON.stringify(seed));
  const inputs = fc.oneof({ weight: 3, arbitrary: changedJson(seeds) }, changedText(texts));
  return { name, inputs, weight, read: (input) => read(input as string) };
}

export function ofText(
  name: string,
  seeds: readonly string[],
  read: (text: string) => Promise<string | undefined>,
  weight = 1,
): Parser {
  return { name, inputs: changedText(seeds), weight, read: (input) => read(input as string) };
}
