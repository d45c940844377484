/** Finds added tokens in a text, as the library tokenizers (added_vocabulary.rs) does. */

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Only where no letter or digit is next to it. */
  readonly single_word: boolean;
  /** Takes the white space before it, or after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Is looked for in the normalised text. */
  readonly normalized: boolean;
  /** Is decoded as its normalised text still, though another file took that flag away. */
  readonly was_normalized?: boolean;
  readonly special: boolean;
}

/** A piece of text, or the token that it is. */
interface Section {
  readonly text: string;
  readonly token?: AddedToken;
}

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WORD_BEFORE = new RegExp(`${WORD}$`, 'u');
const WORD_AFTER = new RegExp(`^${WORD}`, 'u');
const SPACE_AFTER = /^\p{White_Space}*/u;
const SPACE = /^\p{White_Space}$/u;

interface Node {
  readonly next: Map<string, Node>;
  token?: AddedToken;
}

export class AddedTokens {
  private readonly root: Node = { next: new Map() };

  /** @param tokens each with the text that it is found by */
  constructor(tokens: readonly (readonly [text: string, token: AddedToken])[]) {
    for (const [text, token] of tokens) {
      if (text === '') continue;
      let node = this.root;
      for (const unit of text.split('')) {
        let child = node.next.get(unit);
        if (!child) node.next.set(unit, (child = { next: new Map() }));
        node = child;
      }
      node.token ??= token;
    }
  }

  /** The text in order: where several tokens begin, the longest is taken. */
  split(text: string): Section[] {
    const sections: Section[] = [];
    let at = 0;
    for (let i = 0; i < text.length;) {
      const found = this.longest(text, i);
      if (!found) {
        i++;
        continue;
      }
      const { token, end } = found;
      let [start, stop] = [i, end];
      i = end;
      if (token.single_word && !standsAlone(text, start, stop)) continue;
      if (token.lstrip) {
        while (start > at && SPACE.test(text[start - 1]!)) start--;
        start = Math.max(start, at);
      }
      if (token.rstrip) stop += SPACE_AFTER.exec(text.slice(stop))![0].length;
      if (start > at) sections.push({ text: text.slice(at, start) });
      // A token of spaces can be found again in what the one before it took: as there, it counts twice.
      if (stop > start) sections.push({ text: text.slice(start, stop), token });
      at = stop;
    }
    if (at < text.length) sections.push({ text: text.slice(at) });
    return sections;
  }

  private longest(text: string, start: number): { token: AddedToken; end: number } | undefined {
    let found: { token: AddedToken; end: number } | undefined;
    let node: Node | undefined = this.root;
    for (let i = start; (node = node.next.get(text[i] ?? '')); i++) {
      if (node.token) found = { token: node.token, end: i + 1 };
    }
    return found;
  }
}

function standsAlone(text: string, start: number, stop: number): boolean {
  // A character of two units is looked at as a whole.
  return (
    !WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) &&
    !WORD_AFTER.test(text.slice(stop, stop + 2))
  );
}
