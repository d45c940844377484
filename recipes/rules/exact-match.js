// A verifiable task for prompts with a known answer: rows {"prompt": ..., "answer": ...}, or with a list
// of "answers". True if the response is one of them; case, punctuation, the articles a, an, the, and
// white space do not count (SQuAD's exact match).
const normalized = (text) =>
  String(text)
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');

export default function (prompt, response, { answer, answers = answer }) {
  if (answers === undefined) throw new Error('the data has no column "answer"');
  return [answers].flat().some((one) => normalized(one) === normalized(response));
}
