/**
 * Reads the meal planner's prompt, so that it can be set like a menu. Whatever does not fit the
 * grammar exactly is null, and is shown as the plain text that it is:
 *   menu (DISH PRICE)+ for (NAME DIET)+ budget NUMBER
 */
export interface MenuPrompt {
  dishes: { name: string; price: number }[];
  guests: { name: string; diet: string }[];
  budget: number;
}

const PROMPT = /^menu (.+) for (.+) budget (\d+)$/;

export function parseMenu(prompt: string): MenuPrompt | null {
  const match = PROMPT.exec(prompt.trim().replace(/\s+/g, ' '));
  if (!match) return null;
  const dishes = pairs(match[1] ?? '').map(([name, price]) => ({ name, price: Number(price) }));
  const guests = pairs(match[2] ?? '').map(([name, diet]) => ({ name, diet }));
  if (!guests.length || !dishes.length || dishes.some((dish) => !Number.isInteger(dish.price)))
    return null;
  return { dishes, guests, budget: Number(match[3]) };
}

/** Words two by two; none when one is left over. */
function pairs(text: string): [string, string][] {
  const words = text.split(' ');
  if (words.length % 2) return [];
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < words.length; i += 2) out.push([words[i] ?? '', words[i + 1] ?? '']);
  return out;
}

/** A thought, one try a line; any other text is one line as it stands. */
export function thoughtLines(thought: string): string[] {
  return thought
    .trim()
    .split(/\n+|\s+(?=try\b)/)
    .filter(Boolean);
}

/** Text that a word-level tokenizer has spaced out, with its punctuation pulled back. */
export function tidy(text: string): string {
  return text.replace(/\s+(?=[,.;:!?])/g, '');
}
