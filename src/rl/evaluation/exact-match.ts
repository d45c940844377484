/**
 * Exact match for tasks whose answer can be checked (also a reward for RLVR: recipes/rules/exact-match.js),
 * with the normalisation of SQuAD's evaluation script (Rajpurkar et al. 2016): case, punctuation, the
 * articles a, an, the, and white space do not count.
 */
function normalizedAnswer(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');
}

/** Whether the response is one of the accepted answers. */
export function exactMatch(response: string, answers: readonly string[]): boolean {
  const own = normalizedAnswer(response);
  return answers.some((answer) => normalizedAnswer(answer) === own);
}
