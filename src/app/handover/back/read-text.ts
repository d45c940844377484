import { readWhole } from '../../../model/files.ts';
import type { Files } from './returned.ts';

/** A text file that is there, as JSON: Python writes NaN and Infinity, which JSON does not have. */
export async function readText(files: Files, path: string): Promise<string> {
  const text = new TextDecoder().decode(await readWhole(files.get(path)!));
  return text.replace(STRING_OR_NUMBER, (found) => (found.startsWith('"') ? found : 'null'));
}

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;
