/**
 * The state of the page as a link: `#/set-up?algorithm=ppo&seed=3&thinking=false&hide=models&lock=1`, the
 * view and then the settings that differ from the default.
 */
import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { recipeKeys } from '../../rl/recipe/keys.ts';
import type { RecipeKeySpec } from '../../rl/recipe/spec.ts';
import { isView, type ViewId } from '../views/views.ts';

export interface LinkState {
  view: ViewId;
  overrides: RecipeValues;
  /** Ids of the sections that are not shown. */
  hidden: readonly string[];
  /** The recipe cannot be changed. */
  locked: boolean;
}

interface ReadLink extends LinkState {
  /** Keys that the link sets and the page does not know. */
  unknown: readonly string[];
}

/** Without a view, as links of earlier versions are, it is the first one. */
export function readLink(hash: string): ReadLink {
  const overrides: Record<string, RecipeValue> = {};
  let hidden: string[] = [];
  let locked = false;
  const unknown: string[] = [];
  const [, name = '', text = ''] = /^#?(?:\/([^?]*)\??)?(.*)$/s.exec(hash)!;
  const view = isView(name) ? name : 'watch';
  for (const part of text.includes('=') ? text.split('&') : []) {
    const cut = part.indexOf('=');
    const key = decode(cut < 0 ? part : part.slice(0, cut));
    const value = cut < 0 ? '' : part.slice(cut + 1);
    const spec = specOf(key);
    if (key === 'hide') hidden = value.split(',').map(decode).filter(Boolean);
    else if (key === 'lock') locked = value !== '0' && value !== 'false';
    else if (spec) overrides[key] = readValue(spec, value);
    else if (key) unknown.push(key);
  }
  return { view, overrides, hidden, locked, unknown };
}

/** With the "#"; empty for the first view with everything as the default. */
export function writeLink({ view, overrides, hidden, locked }: LinkState): string {
  const parts = Object.entries(overrides).map(([key, value]) => `${key}=${writeValue(value)}`);
  if (hidden.length) parts.push(`hide=${hidden.map(encode).join(',')}`);
  if (locked) parts.push('lock=1');
  const place = view === 'watch' ? '' : `/${view}`;
  if (!parts.length) return place && `#${place}`;
  return `#${place}${place && '?'}${parts.join('&')}`;
}

function specOf(key: string): RecipeKeySpec | undefined {
  return Object.hasOwn(recipeKeys, key)
    ? (recipeKeys as Record<string, RecipeKeySpec>)[key]
    : undefined;
}

function writeValue(value: RecipeValue): string {
  if (value === null) return '';
  if (isPlainList(value)) return value.map((item) => encode(String(item))).join(',');
  return encode(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** The text in the key's type, if it can be read so; recipe.ts refuses the rest. */
function readValue(spec: RecipeKeySpec, text: string): RecipeValue {
  if (text === '') return null;
  const whole = decode(text);
  switch (spec.type) {
    case 'flag':
      return whole === 'true' ? true : whole === 'false' ? false : whole;
    case 'number':
    case 'integer':
      return asNumber(whole);
    case 'text':
    case 'choice':
      return whole;
    case 'datasets':
      return asJson(whole);
    case 'names':
      return whole === spec.all ? whole : items(text);
    case 'texts':
      return items(text);
    case 'numbers':
      return items(text).map(asNumber);
  }
}

function isPlainList(value: RecipeValue): value is readonly (string | number)[] {
  return (
    Array.isArray(value) &&
    value.every((item: unknown) => typeof item === 'string' || typeof item === 'number')
  );
}

const items = (text: string): string[] => text.split(',').map(decode);

const asNumber = (text: string): RecipeValue =>
  text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;

function asJson(text: string): RecipeValue {
  try {
    return JSON.parse(text) as RecipeValue;
  } catch {
    return text;
  }
}

/** Commas separate the items of a list, "&" separates settings; paths stay readable. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%3A', ':');

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
