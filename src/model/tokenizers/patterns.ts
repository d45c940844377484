/**
 * Checks the patterns of a tokenizer's normalizer, pre-tokenizer and decoder: the library leaves out a
 * pattern that it cannot read, and the ids would be wrong.
 * @throws Error for a pattern that is not {"String": text} or {"Regex": text}
 */
export function checkPatterns(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  const { type, pattern } = part as { type?: unknown; pattern?: unknown };
  if ((type === 'Replace' || type === 'Split' || 'pattern' in part) && !isPattern(pattern)) {
    throw new Error('a pattern must be {"String": text} or {"Regex": text}');
  }
  for (const inner of Object.values(part)) checkPatterns(inner);
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { String: text, Regex: regex } = value as { String?: unknown; Regex?: unknown };
  return typeof (text ?? regex) === 'string';
}
