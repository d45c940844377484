/** Changes a text before it is cut into words, as the library tokenizers (normalizers/*.rs) does. */
import { compile, replaceMatches, type Pattern } from './patterns.ts';
import type { Part } from './pre-tokenizers.ts';

export type Normalizer = (text: string) => string;

/** @throws Error for a type that is not known, or a pattern that JavaScript cannot express */
export function normalizer(part: Part | null | undefined): Normalizer {
  if (!part) return (text) => text;
  switch (part.type) {
    case 'Sequence':
      return inTurn((part.normalizers as Part[]).map(normalizer));
    case 'Replace': {
      const found = compile(part.pattern as Pattern);
      return (text) => replaceMatches(found, text, part.content as string);
    }
    case 'Prepend':
      return (text) => (text === '' ? '' : (part.prepend as string) + text);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = part.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      return lowercase;
    case 'Strip':
      return strip(part.strip_left === true, part.strip_right === true);
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'BertNormalizer':
      return bert(part);
    default:
      throw new Error(`Unknown Normalizer type: ${part.type}`);
  }
}

const inTurn =
  (steps: readonly Normalizer[]): Normalizer =>
  (text) =>
    steps.reduce((changed, step) => step(changed), text);

/** Character by character: JavaScript writes a sigma at the end of a word in another way. */
const lowercase: Normalizer = (text) =>
  /\p{ASCII}*/u.exec(text)![0] === text
    ? text.toLowerCase()
    : Array.from(text, (character) => character.toLowerCase()).join('');

/** JavaScript's trim takes U+FEFF for white space, and U+0085 not. */
const strip = (left: boolean, right: boolean): Normalizer =>
  inTurn([
    ...(left ? [(text: string): string => text.replace(/^\p{White_Space}+/u, '')] : []),
    ...(right ? [(text: string): string => text.replace(/\p{White_Space}+$/u, '')] : []),
  ]);

/** bert.rs: control characters but for tabs and line ends, and U+FFFD. */
const REMOVED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
/** The blocks of Chinese characters that it knows. */
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

function bert(part: Part): Normalizer {
  const steps: Normalizer[] = [];
  if (part.clean_text) {
    steps.push((text) => text.replace(REMOVED, '').replace(/\p{White_Space}/gu, ' '));
  }
  if (part.handle_chinese_chars) steps.push((text) => text.replace(CHINESE, ' $& '));
  if (part.strip_accents ?? part.lowercase) {
    steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''));
  }
  if (part.lowercase) steps.push(lowercase);
  return inTurn(steps);
}
