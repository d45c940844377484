// One short sentence: 0.4 for any answer, 0.3 more if it has at most 12 words, and 0.3 more if it ends
// like a sentence. 0 for an empty answer (a thought without an end), or for an answer with tags in it.
export default function (prompt, response) {
  const answer = response.trim();
  if (answer === '' || /<\/?\w+>/.test(answer)) return 0;
  const short = answer.split(/\s+/).length <= 12;
  return 0.4 + (short ? 0.3 : 0) + (/[.!?]$/.test(answer) ? 0.3 : 0);
}
