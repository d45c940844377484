/**
 * Reads the meal planner's prompt, so that the page can show it as a menu. A text that does not fit
 * this grammar exactly gives null, and the page shows it as plain text:
 *   menu (DISH PRICE)+ for (NAME DIET)+ budget NUMBER
 */
interface MenuPrompt {
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

/** Words in pairs; none if one word is left over. */
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

/** Removes the spaces that a word-level tokenizer puts before punctuation. */
export function tidy(text: string): string {
  return text.replace(/\s+(?=[,.;:!?])/g, '');
}
