/**
 * Checks the patterns of a tokenizer's normalizer, pre-tokenizer and decoder: the library leaves out a
 * pattern that it cannot read, and the ids would be wrong.
 * @throws Error for a pattern that is not {"String": text} or {"Regex": text}
 */
export function checkPatterns(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  for (const [key, value] of Object.entries(part)) {
    if (key === 'pattern' && !isPattern(value)) {
      throw new Error('a pattern must be {"String": text} or {"Regex": text}');
    }
    checkPatterns(value);
  }
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { String: text, Regex: regex } = value as { String?: unknown; Regex?: unknown };
  return typeof (text ?? regex) === 'string';
}
