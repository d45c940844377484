// Staying on the subject: the share of the prompt's longer words that the response contains.
const longWords = (text) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu) ?? []);

export default function (prompt, response) {
  const asked = longWords(prompt);
  if (asked.size === 0) return 0;
  const answered = longWords(response);
  return [...asked].filter((word) => answered.has(word)).length / asked.size;
}
