/** Prompts stored in this browser: those to train on, and in a second file those held out. */
import { readStoredData, removeStoredData, storeData } from '../../app/stored-data.ts';
import { jsonLines } from '../../rl/data/json-lines.ts';
import { readPreference } from '../../rl/data/rows.ts';
import { holdOut } from './held-out.ts';
import {
  kindOf,
  readBroughtPrompts,
  type BroughtPrompts,
  type PromptKind,
  type PromptRow,
} from './prompt-file.ts';

export interface StoredPrompts {
  /** The stored file of the prompts to train on. */
  file: string;
  kind: PromptKind;
  /** To train on. */
  prompts: readonly string[];
  heldOut: readonly string[];
  /** All responses of preferences; empty for other kinds. */
  responses: readonly string[];
}

const ENDING = '.jsonl';
const HELD_OUT = '.test.jsonl';

/** The file of the prompts that are held out of `file`. */
export const heldOutFile = (file: string): string => file.slice(0, -ENDING.length) + HELD_OUT;

/** @param name of the file, without an ending or a dot */
export async function storePrompts(name: string, read: BroughtPrompts): Promise<StoredPrompts> {
  const file = `${name}${ENDING}`;
  const { train, heldOut } = holdOut(read.rows);
  await storeData(file, jsonLines(train.map(({ row }) => row)));
  if (heldOut.length > 0)
    await storeData(heldOutFile(file), jsonLines(heldOut.map(({ row }) => row)));
  else await removeStoredData(heldOutFile(file));
  return described(file, train, heldOut);
}

/** undefined if the file holds no prompts to train on, or cannot be read. */
export async function readStoredPrompts(file: string): Promise<StoredPrompts | undefined> {
  if (!file.endsWith(ENDING) || file.endsWith(HELD_OUT)) return undefined;
  const rowsOf = async (name: string): Promise<PromptRow[] | undefined> => {
    const text = await readStoredData(name).catch(() => undefined);
    return text === undefined ? undefined : readBroughtPrompts(name, text).rows;
  };
  const train = await rowsOf(file);
  return train && described(file, train, (await rowsOf(heldOutFile(file))) ?? []);
}

export async function removeStoredPrompts(file: string): Promise<void> {
  await removeStoredData(file);
  await removeStoredData(heldOutFile(file));
}

function described(file: string, train: PromptRow[], heldOut: PromptRow[]): StoredPrompts {
  const all = [...train, ...heldOut];
  const kind = kindOf(all);
  return {
    ...{ file, kind },
    prompts: train.map(({ prompt }) => prompt),
    heldOut: heldOut.map(({ prompt }) => prompt),
    responses:
      kind === 'preferences' ? all.flatMap(({ row }) => readPreference(row).responses) : [],
  };
}
