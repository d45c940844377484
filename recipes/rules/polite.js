// Politeness: half a point for a kind word, and half a point for not shouting.
const KIND = /\b(please|thanks|thank you|glad|happy to|hope|enjoy|you're welcome|how about)\b/i;
const SHOUTING = /\b\p{Lu}{4,}\b|!!/u;

export default function (prompt, response) {
  if (response.trim() === '') return 0;
  return (KIND.test(response) ? 0.5 : 0) + (SHOUTING.test(response) ? 0 : 0.5);
}
