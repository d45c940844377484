/**
 * Measures the tiles of matrix products when a graphics card is first used, and remembers their rates, so
 * that the choice among them (kernels/matmul-choice.ts) fits this card. card-trials.ts runs what
 * tile-rates.ts asks for. All measured tiles compute the same sums in the same order, packed weights or not: a
 * wrong measurement costs time, and changes no number. The first submits follow from the rates, too, up to
 * a limit (device.ts).
 */
import { trialsOn, type Trials } from './card-trials.ts';
import type { Gpu } from './device.ts';
import { TILE_NAMES } from './kernels/matmul-variants.ts';
import { inHalves, type Halves } from './storage.ts';
import { measure } from './tile-rates.ts';
import type { CardRates } from './variants.ts';

/** Change it with the kernels and with notes: what was remembered of others is then not used. */
const VERSION = 4;

/** Keeps small values by name. Where nothing can be kept, the card is measured each time. */
export interface Notes {
  recall(name: string): Promise<unknown>;
  remember(name: string, value: unknown): Promise<void>;
}

/** What is remembered of a card. */
interface Note {
  /** Of the measurement, in milliseconds since 1970. */
  date: number;
  /** null: the card could not be measured. */
  rates: CardRates | null;
}

/**
 * A card is measured anew after so long. Browsers say little about a card: a new one may have the name
 * of the old one. What failed may succeed when the machine is less busy.
 */
const DAY = 24 * 60 * 60 * 1000;
const MOST_AGE = { rates: 30 * DAY, failure: DAY };

/**
 * The rates of this card as they were remembered, or measured now and then remembered; undefined if
 * they cannot be measured here.
 */
export async function cardRates(
  gpu: Gpu,
  notes: Notes,
  trials: Trials = trialsOn(gpu),
): Promise<CardRates | undefined> {
  const { vendor, architecture, device, description } = gpu.info;
  const name = ['card', VERSION, vendor, architecture, device, description].join(' | ');
  const remembered = await notes.recall(name);
  if (isFreshNote(remembered)) return remembered.rates ?? undefined;
  // What is wrong with the device is reported when it is used.
  const rates = await tried(trials).catch(() => undefined);
  const note: Note = { date: Date.now(), rates: areRates(rates) ? rates : null };
  await notes.remember(name, note);
  return note.rates ?? undefined;
}

async function tried({ seconds, packsRight }: Trials): Promise<CardRates | undefined> {
  const rates = await measure(seconds);
  if (!rates) return undefined;
  const packed: Halves[] = [];
  for (const weights of rates.packed) {
    if (await packsRight(weights).catch(() => false)) packed.push(weights);
  }
  return { ...rates, packed };
}

function isFreshNote(value: unknown): value is Note {
  const { date, rates } = (value ?? {}) as Partial<Record<keyof Note, unknown>>;
  const age = typeof date === 'number' ? Date.now() - date : NaN;
  // A date to come is of a clock that was wrong.
  if (!(age >= 0)) return false;
  return rates === null ? age < MOST_AGE.failure : areRates(rates) && age < MOST_AGE.rates;
}

/** No device has rates outside of these: such a value was not measured, or is damaged. */
const PLAUSIBLE = { least: 1e7, most: 1e15 };

function areRates(value: unknown): value is CardRates {
  const { full, alone, packed } = (value ?? {}) as {
    [K in keyof CardRates]?: Partial<CardRates[K]>;
  };
  const rates = TILE_NAMES.flatMap((tile) => [full?.[tile], alone?.[tile]]);
  return (
    Array.isArray(packed) &&
    packed.every(inHalves) &&
    rates.every(
      (rate) => typeof rate === 'number' && rate >= PLAUSIBLE.least && rate <= PLAUSIBLE.most,
    )
  );
}
