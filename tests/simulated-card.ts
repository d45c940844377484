/** A card whose rates are known, with a clock of its own, for tests of what is measured (src/gpu/tile-rates.ts). */
import type { Sizes } from '../src/gpu/kernels/matmul-choice.ts';
import { TILE_NAMES, tileOf } from '../src/gpu/kernels/matmul-variants.ts';
import type { Work } from '../src/gpu/tile-rates.ts';
import type { CardRates, TileName, TileRates } from '../src/gpu/variants.ts';

/** A number for each tile. */
export function eachTile(value: (tile: TileName) => number): TileRates {
  return Object.fromEntries(TILE_NAMES.map((tile) => [tile, value(tile)])) as TileRates;
}

/** Seconds that the card takes for a product. */
export function productSeconds(card: CardRates, tile: TileName, { m, n, k }: Sizes): number {
  const { rows, columns } = tileOf(tile);
  const groups = Math.ceil(m / rows) * Math.ceil(n / columns);
  return rows * columns * k * Math.max(groups / card.full[tile], 1 / card.alone[tile]);
}

/**
 * @param card packed weights make it 1.2 times as fast in the storages that it names, else 0.9 times
 * @param late by how many seconds the end of a submit is reported late; asked for each submit
 * @returns what `measure` takes
 */
export function simulatedCard(card: CardRates, late: () => number) {
  let milliseconds = 0;
  const seconds = ({ tile, weights, packed, launches, ...sizes }: Work): Promise<number> => {
    const gains = card.packed.some((storage) => storage === weights);
    const faster = !packed ? 1 : gains ? 1.2 : 0.9;
    const time = late() + (launches * productSeconds(card, tile, sizes)) / faster;
    // Before the work, the device becomes idle: another submit, which is not timed.
    milliseconds += 1000 * (late() + time);
    return Promise.resolve(time);
  };
  return { seconds, now: () => milliseconds };
}
