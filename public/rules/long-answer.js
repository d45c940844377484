// Long answers: a point for every ten words, up to forty words. Easy to please without being of any
// use, which is what it is here for: a policy learns to ramble.
const MOST_WORDS = 40;

export default function (prompt, response) {
  const words = response.split(/\s+/).filter(Boolean).length;
  return Math.min(words, MOST_WORDS) / 10;
}
