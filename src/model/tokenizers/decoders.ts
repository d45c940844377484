/**
 * Tokens back to text, as the library tokenizers (decoders/*.rs) does. @huggingface/tokenizers differs
 * where bytes are no text, as in the middle of a character that a model has not finished.
 */
import { compile, replaceMatches, type Pattern } from './patterns.ts';
import { BYTE_CHARACTERS, type Part } from './pre-tokenizers.ts';

/** Tokens, or what is left of them, to pieces of text. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

/** @throws Error for a type that is not known */
export function decoder(part: Part | null | undefined): Decoder {
  if (!part) return (tokens) => [tokens.join(' ')];
  switch (part.type) {
    case 'Sequence': {
      const steps = (part.decoders as Part[]).map(decoder);
      return (tokens) => steps.reduce((pieces, step) => step(pieces), tokens);
    }
    case 'ByteLevel':
      return byteLevel;
    case 'ByteFallback':
      return byteFallback;
    case 'Metaspace':
      return metaspace(part);
    case 'WordPiece':
      return wordPiece(part.prefix as string, part.cleanup === true);
    case 'BPEDecoder': {
      const suffix = part.suffix as string;
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    case 'Replace': {
      const found = compile(part.pattern as Pattern);
      return (tokens) =>
        tokens.map((token) => replaceMatches(found, token, part.content as string));
    }
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Strip':
      return strip(part.content as string, part.start as number, part.stop as number);
    default:
      throw new Error(`Unknown Decoder type: ${part.type}`);
  }
}

/** The byte of each character that stands for one. */
const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** A token with a character that stands for no byte is an added one, and its own text. */
function byteLevel(tokens: readonly string[]): string[] {
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  for (const token of tokens) {
    const own = Array.from(token, (character) => BYTES.get(character));
    bytes.push(...(own.includes(undefined) ? encoder.encode(token) : (own as number[])));
  }
  return [new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))];
}

/** <0xE2> <0x82> <0xAC> is one character; bytes that together are no text are one U+FFFD each. */
function byteFallback(tokens: readonly string[]): string[] {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      out.push(utf8.decode(Uint8Array.from(bytes)));
    } catch {
      bytes.forEach(() => out.push('\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const [, hex] = /^<0x([\da-fA-F]{2})>$/.exec(token) ?? [];
    if (hex !== undefined) bytes.push(parseInt(hex, 16));
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
}

/** The mark is a space, but for the first token, where it was prepended. */
function metaspace(part: Part): Decoder {
  const mark = part.replacement as string;
  const prepends = part.prepend_scheme !== 'never' && part.add_prefix_space !== false;
  return (tokens) =>
    tokens.map((token, i) => token.replaceAll(mark, i === 0 && prepends ? '' : ' '));
}

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (tokens) =>
    tokens.map((token, i) => {
      let text = token;
      if (i > 0) text = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? cleanUp(text).replaceAll(' do not', " don't") : text;
    });
}

/** Takes away spaces before punctuation, as transformers does for tokenizers that are not BPE. */
export function cleanUp(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

/** Up to `start` and `stop` times `content` away from the ends of each piece. */
function strip(content: string, start: number, stop: number): Decoder {
  return (pieces) =>
    pieces.map((piece) => {
      let [from, to] = [0, piece.length];
      for (let i = 0; i < start && piece.startsWith(content, from); i++) from += content.length;
      for (let i = 0; i < stop && to > from && piece.endsWith(content.slice(-1)); i++) {
        if (piece.slice(to - content.length, to) !== content) break;
        to -= content.length;
      }
      return piece.slice(from, to);
    });
}
