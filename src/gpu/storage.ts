/**
 * How numbers are stored in a GPU buffer. Kernels compute in f32. Frozen weights may be stored in
 * fewer bits; kernels convert them to f32 when they load them. The length of a matrix row must be a
 * multiple of 4 in f16 and bf16, and a multiple of BLOCK in int8 and int4.
 *
 * int8 and int4 are quantised in blocks of BLOCK neighbouring numbers, as in GGML's Q4_1. A block
 * begins with one 32-bit word: a step d in the lower half and a minimum m in the upper half, both
 * float16 and in units (see UNITS). The codes q follow, lowest bits first. A number is d q + m.
 */
export type Storage = 'f32' | 'f16' | 'bf16' | 'int8' | 'int4';

/** Numbers of int8 or int4 that share a step and a minimum. */
export const BLOCK = 32;

const BITS = { int8: 8, int4: 4 } as const;

type BlockStorage = keyof typeof BITS;

/** The storages of two numbers in a word. */
export const HALVES = ['f16', 'bf16'] as const;
export type Halves = (typeof HALVES)[number];

export const inHalves = (storage: unknown): storage is Halves =>
  HALVES.some((halves) => halves === storage);

export const inBlocks = (storage: Storage): storage is BlockStorage => storage in BITS;

/**
 * Float16 numbers below 2^-14 are subnormal, and WGSL lets a device read those as zero: all numbers of a
 * block would then be its minimum. In these units, only blocks whose numbers lie within 6e-5 have such
 * steps. The largest minimum is 4,094, the largest step 255.9 (int8) or 4,094 (int4).
 */
const UNITS = { int8: { d: 2 ** -8, m: 2 ** -4 }, int4: { d: 2 ** -4, m: 2 ** -4 } } as const;

/**
 * The first word of a block.
 * @throws RangeError when step or minimum is more than float16 can express in these units
 */
export function affineWord(storage: BlockStorage, step: number, minimum: number): number {
  const { d, m } = UNITS[storage];
  const low = toHalf(step / d);
  const high = toHalf(minimum / m);
  if (isInfinite(low) || isInfinite(high)) {
    throw new RangeError(`${storage} cannot store numbers from ${minimum} in steps of ${step}`);
  }
  return (low | (high << 16)) >>> 0;
}

/** The length of a matrix row must be a multiple of this. */
export function rowUnit(storage: Storage): number {
  if (storage === 'f32') return 1;
  return inHalves(storage) ? 4 : BLOCK;
}

/** Bytes that `elements` numbers take; whole rows (see `rowUnit`). */
export function storageBytes(storage: Storage, elements: number): number {
  if (storage === 'f32') return 4 * elements;
  if (inHalves(storage)) return 2 * elements;
  return (elements / BLOCK) * 4 * blockWords(storage);
}

function blockWords(storage: BlockStorage): number {
  return 1 + (BLOCK * BITS[storage]) / 32;
}

/**
 * WGSL that reads a buffer bound as the array NAME: the array's element type, and `fetch_NAME(i)`,
 * which returns the numbers 4 i to 4 i + 3 as f32. int8 and int4 also have `fetch_in_NAME(block, place)`
 * with i = block * BLOCK / 4 + place: what rows have in common at one place, a compiler computes once.
 */
export function fetchFours(storage: Storage, name: string): { element: string; code: string } {
  const fetch = (body: string): string => `fn fetch_${name}(i: u32) -> vec4f {\n${body}\n}`;
  switch (storage) {
    case 'f32':
      return { element: 'vec4f', code: fetch(`  return ${name}[i];`) };
    case 'f16':
    case 'bf16':
      return {
        element: 'vec2u',
        code: fetch(`  let w = ${name}[i];\n  return ${readHalves(storage, 'w')};`),
      };
    case 'int8':
    case 'int4':
      return { element: 'u32', code: fetchInBlocks(storage, name) };
  }
}

/** WGSL: the four numbers in the vec2u of this name, as f32. */
export function readHalves(storage: Halves, four: string): string {
  // A bf16 is the upper half of a float32.
  return storage === 'f16'
    ? `vec4f(unpack2x16float(${four}.x), unpack2x16float(${four}.y))`
    : `bitcast<vec4f>((${four}.xxyy << vec4u(16u, 0u, 16u, 0u)) & vec4u(0xffff0000u))`;
}

function fetchInBlocks(storage: BlockStorage, name: string): string {
  const bits = BITS[storage];
  const { d, m } = UNITS[storage];
  // Of the four codes; a word has those of so many places.
  const shifts = [0, 1, 2, 3].map((i) => `${i * bits}u`).join(', ');
  const places = 8 / bits;
  return `fn fetch_in_${name}(block: u32, place: u32) -> vec4f {
  let first = block * ${blockWords(storage)}u;
  let affine = vec2f(${d}, ${m}) * unpack2x16float(${name}[first]);
  let word = ${name}[first + 1u + place / ${places}u] >> (place % ${places}u * ${4 * bits}u);
  let codes = (vec4u(word) >> vec4u(${shifts})) & vec4u(${2 ** bits - 1}u);
  return vec4f(codes) * affine.x + affine.y;
}
fn fetch_${name}(i: u32) -> vec4f { return fetch_in_${name}(i / ${BLOCK / 4}u, i % ${BLOCK / 4}u); }`;
}

/**
 * The contents of a buffer that holds `values`, rounded to what the storage can hold.
 * @throws RangeError when a block of int8 or int4 has a step or minimum beyond the largest (see UNITS)
 */
export function encode(storage: Storage, values: Float32Array): Float32Array | Uint32Array {
  switch (storage) {
    case 'f32':
      return values;
    case 'f16':
    case 'bf16':
      return new Uint32Array(encodeHalves(storage, values).buffer);
    case 'int8':
    case 'int4':
      return quantise(values, storage);
  }
}

/**
 * Weights of billions of numbers go through `encode` and `decode`: they are plain loops, which take a few
 * nanoseconds a number where `from` and `forEach` take tens.
 */

/** The value of each float16, by its bits: a look-up is faster than decoding. Made on first use. */
let halves: Float32Array | undefined;
const halfValues = (): Float32Array =>
  (halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => fromHalf(bits)));

/** The numbers that a buffer's bytes stand for, as f32. */
export function decode(storage: Storage, bytes: ArrayBuffer): Float32Array {
  if (storage === 'f32') return new Float32Array(bytes);
  if (storage === 'f16') {
    const valueOf = halfValues();
    const stored = new Uint16Array(bytes);
    const values = new Float32Array(stored.length);
    for (let i = 0; i < values.length; i++) values[i] = valueOf[stored[i]!]!;
    return values;
  }
  if (storage === 'bf16') {
    const stored = new Uint16Array(bytes);
    const words = new Uint32Array(stored.length);
    for (let i = 0; i < words.length; i++) words[i] = stored[i]! << 16;
    return new Float32Array(words.buffer);
  }
  return unquantise(new Uint32Array(bytes), storage);
}

/** The bits of each number in f16 or bf16, as checkpoints store them. */
export function encodeHalves(storage: Halves, values: Float32Array): Uint16Array {
  return Uint16Array.from(values, storage === 'f16' ? toHalf : toBfloat);
}

/** The step and minimum are rounded to float16 before the codes are computed from them. */
function quantise(values: Float32Array, storage: BlockStorage): Uint32Array {
  const bits = BITS[storage];
  const units = UNITS[storage];
  const top = 2 ** bits - 1;
  const perWord = 32 / bits;
  const out = new Uint32Array((values.length / BLOCK) * blockWords(storage));
  const valueOf = halfValues();
  for (let first = 0, at = 0; first < values.length; first += BLOCK) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = first; i < first + BLOCK; i++) {
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
    const minimum = toHalf(low / units.m);
    if (isInfinite(minimum)) {
      throw new RangeError(`${storage} cannot store numbers from ${low} to ${high}`);
    }
    const m = units.m * valueOf[minimum]!;
    const affine = affineWord(storage, (high - m) / top, m);
    const d = units.d * valueOf[affine & 0xffff]!;
    out[at++] = affine;
    for (let i = first; i < first + BLOCK; i += perWord) {
      let word = 0;
      for (let j = 0; d > 0 && j < perWord; j++) {
        const code = Math.min(top, Math.max(0, Math.floor((values[i + j]! - m) / d + 0.5)));
        word |= code << (j * bits);
      }
      out[at++] = word;
    }
  }
  return out;
}

function unquantise(data: Uint32Array, storage: BlockStorage): Float32Array {
  const bits = BITS[storage];
  const units = UNITS[storage];
  const perWord = 32 / bits;
  const words = blockWords(storage);
  const valueOf = halfValues();
  const out = new Float32Array((data.length / words) * BLOCK);
  for (let at = 0, first = 0; at < data.length; at += words, first += BLOCK) {
    const d = units.d * valueOf[data[at]! & 0xffff]!;
    const m = units.m * valueOf[data[at]! >>> 16]!;
    for (let i = 0; i < BLOCK; i++) {
      const word = data[at + 1 + Math.floor(i / perWord)]!;
      out[first + i] = d * ((word >>> ((i % perWord) * bits)) & (2 ** bits - 1)) + m;
    }
  }
  return out;
}

const word = new Uint32Array(1);
const asFloat = new Float32Array(word.buffer);

/** The bits of the nearest float16, ties to even; beyond its range, infinity. */
export function toHalf(x: number): number {
  const size = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14, float16 numbers are 2^-24 apart; above, 2^(exponent - 10).
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 1e-30)));
  const steps = roundEven(size * 2 ** (10 - exponent));
  // Rounding up to the next power of two carries into the exponent by itself.
  return sign | (exponent === -14 ? steps : ((exponent + 14) << 10) + steps);
}

/** Of float16 bits: infinity or NaN. */
const isInfinite = (bits: number): boolean => (bits & 0x7c00) === 0x7c00;

/** The value of a float16 from its bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the nearest bfloat16, ties to even. */
function toBfloat(x: number): number {
  asFloat[0] = x;
  const bits = word[0]!;
  if (Number.isNaN(x)) return 0x7fc0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function roundEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
