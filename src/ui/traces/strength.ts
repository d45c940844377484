/**
 * How strongly tokens are coloured, in steps: a browser computes one style for all that have the same
 * classes. With a number of its own for each, hundreds of tokens took it 20 ms.
 */
const STEPS = 32;

/** A style sheet that sets --strength, from 0 to 1, for each of the classes. */
export const STRENGTHS = Array.from(
  { length: STEPS + 1 },
  (_, i) => `.strength-${i} { --strength: ${i / STEPS}; }`,
).join('\n');

/** @param share from -1 to 1; its sign does not count */
export const strengthClass = (share: number): string =>
  `strength-${Math.round(STEPS * Math.abs(share))}`;
