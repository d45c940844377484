/** Finds numbers that are NaN or infinite in stored bytes: all bits of their exponent are set. */

/** The exponents of the numbers in a 32-bit word, and the lowest bit of each exponent. */
const EXPONENTS = {
  f32: { mask: 0x7f800000, lowest: 0x00800000 },
  f16: { mask: 0x7c007c00, lowest: 0x04000400 },
  bf16: { mask: 0x7f807f80, lowest: 0x00800080 },
} as const;

/**
 * Index of the first number that is not finite; -1 if there is none. All weights of a model go through
 * this, so it tests a word at a time: an exponent of ones plus its lowest bit carries into the sign.
 */
export function firstNotFinite(storage: keyof typeof EXPONENTS, bytes: ArrayBuffer): number {
  const { mask, lowest } = EXPONENTS[storage];
  const words = new Uint32Array(bytes, 0, Math.floor(bytes.byteLength / 4));
  let word = 0;
  while (word < words.length && (((words[word]! & mask) + lowest) & 0x80008000) === 0) word++;
  if (storage === 'f32') return word < words.length ? word : -1;
  const halves = new Uint16Array(bytes);
  const exponent = mask & 0xffff;
  for (let i = 2 * word; i < halves.length; i++) {
    if ((halves[i]! & exponent) === exponent) return i;
  }
  return -1;
}
