// A verifiable task, for prompts that come with their answer: rows {"prompt": ..., "answer": ...}. True
// when the response is the answer, or one of them where the row has a list; case, punctuation, the
// articles a, an, the, and white space do not count (SQuAD's exact match).
const normalized = (text) =>
  String(text)
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');

export default function (prompt, response, { answer }) {
  if (answer === undefined) throw new Error('the data has no column "answer"');
  return [answer].flat().some((one) => normalized(one) === normalized(response));
}
