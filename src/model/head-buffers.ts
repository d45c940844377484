/**
 * The memory of a head: the target rows of the hidden states, and for log-probs the logits of one
 * chunk of the vocabulary at a time. M: target rows, D: hidden size.
 */
import { Activation } from '../gpu/activations.ts';
import { normPartials } from '../gpu/kernels/rms-norm.ts';
import type { Memory } from '../gpu/memory.ts';
import type { LanguageModel } from './language-model.ts';
import type { RowDims } from './layers.ts';

export interface BatchDims extends RowDims {
  /** Target rows. */
  targets: number;
  /** Distinct token ids, and distinct target rows: each owns a sum in the gradient of a gather. */
  idOwners: number;
  rowOwners: number;
  /** 1 / temperature. */
  inverseTemperature: number;
}

/** Rows grouped by the table row they were gathered from (see kernels/gather-backward.ts). */
export class OwnerLists {
  readonly order: Activation;
  readonly starts: Activation;
  readonly targets: Activation;
  constructor(label: string, rows: number) {
    this.order = new Activation(`${label}.order`, rows, true);
    this.starts = new Activation(`${label}.starts`, rows + 1, true);
    this.targets = new Activation(`${label}.targets`, rows, true);
  }

  get lists(): { order: Activation; starts: Activation; targets: Activation } {
    return { order: this.order, starts: this.starts, targets: this.targets };
  }
}

export class HeadBuffers {
  readonly rows: Activation; // [M] which token row
  readonly ids: Activation; // [M] the token to predict
  readonly owners: OwnerLists;
  readonly picked: Activation; // [M, D]
  readonly normed: Activation; // [M, D]
  readonly dNormed: Activation;
  readonly dPicked: Activation;
  readonly partials: Activation;
  readonly logits: Activation; // [M, chunk]
  readonly state: Activation; // [M, 4]
  readonly lse: Activation; // [M]
  /** [M] log-probs, or scores. */
  readonly values: Activation;
  readonly entropy: Activation; // [M]
  readonly dValues: Activation; // [M]
  readonly dEntropy: Activation; // [M]
  readonly chunks: readonly Chunk[];

  constructor(model: LanguageModel<Memory>, maxTargets: number) {
    const { hiddenSize: d, vocabSize } = model.config;
    const make = (name: string, elements: number, pinned = false): Activation =>
      new Activation(`head.${name}`, elements, pinned);
    const chunk = chunkSize(vocabSize, maxTargets);
    this.chunks = model.config.kind === 'causal' ? cutHead(model, chunk) : [];
    this.rows = make('rows', maxTargets, true);
    this.ids = make('ids', maxTargets, true);
    this.owners = new OwnerLists('head', maxTargets);
    this.picked = make('picked', maxTargets * d);
    this.normed = make('normed', maxTargets * d);
    this.dNormed = make('dNormed', maxTargets * d);
    this.dPicked = make('dPicked', maxTargets * d);
    this.partials = make('partials', normPartials(maxTargets, d));
    this.logits = make('logits', maxTargets * chunk);
    this.state = make('state', maxTargets * 4);
    this.lse = make('lse', maxTargets);
    this.values = make('values', maxTargets, true);
    this.entropy = make('entropy', maxTargets, true);
    this.dValues = make('dValues', maxTargets, true);
    this.dEntropy = make('dEntropy', maxTargets, true);
  }
}

/** Vocabulary entries [from, from + count), all in one piece of the head. */
export interface Chunk {
  from: number;
  count: number;
  piece: number;
  /** The row of the first entry in its piece. */
  row: number;
}

function cutHead(model: LanguageModel<Memory>, size: number): Chunk[] {
  return model.weights.pieces(model.headBlock).flatMap(({ firstRow, rows }, piece) =>
    Array.from({ length: Math.ceil(rows / size) }, (_, i) => ({
      from: firstRow + i * size,
      count: Math.min(size, rows - i * size),
      piece,
      row: i * size,
    })),
  );
}

/** With fewer entries, a pass over the rows would move more than it computes: time would grow with M^2. */
const LEAST_CHUNK = 512;

/** At most half the vocabulary, and 64 MiB of logits unless LEAST_CHUNK needs more. */
function chunkSize(vocabSize: number, maxTargets: number): number {
  const fit = Math.floor(2 ** 24 / maxTargets / 64) * 64;
  const half = Math.ceil(vocabSize / 2 / 64) * 64;
  return Math.min(Math.max(fit, LEAST_CHUNK), half);
}
