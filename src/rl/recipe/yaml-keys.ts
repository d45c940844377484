/** The keys of a YAML file with their places, before any is checked. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLMap,
} from 'yaml';
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
  // merge: as Python's YAML 1.1, "<<: *anchor" adds the keys of another map.
  const options = { lineCounter: lines, prettyErrors: false, merge: true };
  const document = parseDocument(text, options);
  const lineAt = (offset: number) => `${fileName}, line ${lines.linePos(offset).line}`;
  // A warning is about a tag that nobody here knows; Python's reader refuses it, too.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const place = lineAt(problem.pos[0]);
    if (problem.code === 'MULTIPLE_DOCS') {
      throw new RecipeError(
        `${place}: a second document begins here (---); write one recipe in a file.`,
      );
    }
    throw new RecipeError(`${place}: not YAML (${short(problem.message)}).`);
  }
  checkMerges(document);
  const given = new Map<string, Given>();
  const { contents } = document;
  if (contents === null) return given;
  if (!isMap(contents)) {
    throw new RecipeError(
      `${fileName}: this is not a recipe; write lines of the form "key: value".`,
    );
  }
  for (const { key, value } of pairsOf(contents, document)) {
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

type Pairs = YAMLMap.Parsed['items'];

/** The pairs of a map, and before them those of the maps that it merges (<<), which its own keys replace. */
function pairsOf(map: YAMLMap.Parsed, document: Document.Parsed, depth = 0): Pairs {
  if (depth > DEEPEST) throw new Error('maps are merged into one another too often');
  const merged = map.items
    .filter(isMerge)
    .flatMap(({ value }) => pairsOf(meant(value, document) as YAMLMap.Parsed, document, depth + 1));
  return [...merged, ...map.items.filter((pair) => !isMerge(pair))];
}

/** Of several maps, readers of YAML take one or another value of a key. */
function checkMerges(document: Document.Parsed): void {
  visit(document, {
    Pair(_, pair) {
      if (isMerge(pair) && !isMap(meant(pair.value, document))) {
        throw new Error('"<<" must be followed by one map, or by *NAME of one');
      }
    },
  });
}

/** *NAME stands for what has that name. */
const meant = (value: unknown, document: Document.Parsed): unknown =>
  isAlias(value) ? value.resolve(document) : value;

const isMerge = ({ key }: { key: unknown }): boolean => isScalar(key) && key.source === '<<';
