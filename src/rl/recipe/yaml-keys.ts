/** The keys of a YAML file with their places, before any is checked. */
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { DEEPEST, depthOf } from '../../model/json.ts';
import { RecipeError } from './check.ts';

/** A value as it was given, and its place: "recipes/my.yaml, line 3" or "--beta". */
export interface Given {
  readonly value: unknown;
  readonly place: string;
}

/**
 * @param fileName for messages
 * @throws RecipeError
 */
export function readYaml(text: string, fileName: string): Map<string, Given> {
  const isLarge = text.length > MOST_TEXT || text.split(':').length > MOST_COLONS;
  if (isLarge || depthOf(text) > DEEPEST) {
    throw new RecipeError(
      `${fileName}: not a recipe (more than ${MOST_TEXT} characters or ${MOST_COLONS} colons, or brackets ` +
        `more than ${DEEPEST} deep).`,
    );
  }
  try {
    return readKeys(text, fileName);
  } catch (error) {
    if (error instanceof RecipeError) throw error;
    // The parser gives up on values that are nested or repeated too often.
    throw new RecipeError(`${fileName}: not a recipe (${short((error as Error).message)}).`);
  }
}

/** In one line: the parser quotes the text. */
export function short(reason: string): string {
  const line = reason.replace(/[\s\p{Cc}]+/gu, ' ');
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

/** A recipe with more characters is not believed. */
const MOST_TEXT = 100_000;
/** Each key has a colon; the parser compares all keys with each other. */
const MOST_COLONS = 1000;

function readKeys(text: string, fileName: string): Map<string, Given> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => `${fileName}, line ${lines.linePos(offset).line}`;
  const [problem] = document.errors;
  if (problem) {
    const place = lineAt(problem.pos[0]);
    if (problem.code === 'MULTIPLE_DOCS') {
      throw new RecipeError(
        `${place}: a second document begins here (---); write one recipe in a file.`,
      );
    }
    throw new RecipeError(`${place}: not YAML (${short(problem.message)}).`);
  }
  const given = new Map<string, Given>();
  const { contents } = document;
  if (contents === null) return given;
  if (!isMap(contents)) {
    throw new RecipeError(
      `${fileName}: this is not a recipe; write lines of the form "key: value".`,
    );
  }
  for (const { key, value } of contents.items) {
    const place = lineAt(key.range[0]);
    const name = isScalar(key) ? String(key.value) : String(key);
    // Python reads YAML 1.1, where 042 is 34.
    if (isScalar(value) && value.type === 'PLAIN' && /^[-+]?0[0-7]+$/.test(value.source)) {
      throw new RecipeError(
        `${place}: ${name} is ${value.source}, an octal number for TRL and a decimal one here; ` +
          'write it without the leading 0.',
      );
    }
    given.set(name, { value: isNode(value) ? value.toJS(document) : value, place });
  }
  return given;
}
