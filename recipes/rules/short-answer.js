// Short answers: 1 up to 20 words, then a little less for each further word.
const ENOUGH = 20;

export default function (prompt, response) {
  const words = response.split(/\s+/).filter(Boolean).length;
  if (words === 0) return 0;
  return Math.min(1, ENOUGH / words);
}
