/**
 * Whole sequences through a model: forward to log-probs and entropies (or scores), and backward from
 * the loss's derivatives with respect to those. The loss itself is the caller's: it reads the
 * values, computes its derivatives on the host, and hands them to `backward`.
 */
import { Activation, planActivations } from '../gpu/activations.ts';
import type { View } from '../gpu/device.ts';
import type { Op } from '../gpu/kernel.ts';
import { gather, gatherBackward, groupByTarget } from '../gpu/kernels/gather.ts';
import { Program } from '../gpu/program.ts';
import type { PackedBatch } from './batch.ts';
import {
  HeadBuffers,
  logprobForward,
  logprobHeadBackward,
  OwnerLists,
  scoreForward,
  scoreHeadBackward,
  type BatchDims,
} from './heads.ts';
import type { LanguageModel } from './language-model.ts';
import {
  backwardScratch,
  layerActivations,
  layerBackward,
  layerForward,
  type LayerShape,
} from './layers.ts';

export interface BatchLimits {
  maxTokens: number;
  maxTargets: number;
}

export interface BatchValues {
  /** One per target: log p(token) under logits / temperature, or the score. */
  values: Float32Array;
  /** One per target, in nats; empty for a score head. */
  entropy: Float32Array;
}

/** The buffers that the host fills before a replay. */
class HostInputs {
  readonly ids: Activation;
  readonly positions: Activation;
  readonly spans: Activation;
  readonly viewEnd: Activation;
  readonly idOwners: OwnerLists;
  constructor(maxTokens: number) {
    this.ids = new Activation('ids', maxTokens, true);
    this.positions = new Activation('positions', maxTokens, true);
    this.spans = new Activation('spans', 4 * maxTokens, true);
    this.viewEnd = new Activation('viewEnd', maxTokens, true);
    this.idOwners = new OwnerLists('ids', maxTokens);
  }
}

interface Plan {
  inputs: HostInputs;
  head: HeadBuffers;
  embedded: Activation;
  layers: ReturnType<typeof layerActivations>[];
  output: Activation;
}

export class BatchRunner {
  private dims: BatchDims | undefined;
  private constructor(
    readonly model: LanguageModel,
    readonly limits: BatchLimits,
    private readonly plan: Plan,
    private readonly forwardProgram: Program<BatchDims>,
    private readonly backwardProgram: Program<BatchDims> | undefined,
    private readonly buffers: readonly View[],
  ) {}

  /**
   * Plans memory for batches within `limits` and compiles the programs. With `gradients`, a buffer
   * laid out as the weights, the backward pass is there too.
   */
  static async create(
    model: LanguageModel,
    limits: BatchLimits,
    gradients?: View,
  ): Promise<BatchRunner> {
    const shape = layerShape(model, limits);
    const plan = planBuffers(model, shape, limits);
    const ones = model.gpu.allocate('activations', 4 * limits.maxTokens, 'ones');
    model.gpu.upload(ones, new Float32Array(limits.maxTokens).fill(1));
    const forward = forwardOps(model, shape, plan);
    const backward = gradients ? backwardOps(model, shape, plan, gradients, ones) : [];
    const buffers = planActivations(model.gpu, forward, backward);
    return new BatchRunner(
      model,
      limits,
      plan,
      await Program.compile(model.gpu, forward),
      gradients && (await Program.compile(model.gpu, backward)),
      [...buffers, ones],
    );
  }

  /** A forward pass of other weights of the same shape (the reference policy) in the same memory. */
  async withWeights(model: LanguageModel): Promise<BatchRunner> {
    const ops = forwardOps(model, layerShape(model, this.limits), this.plan);
    const program = await Program.compile(model.gpu, ops);
    return new BatchRunner(model, this.limits, this.plan, program, undefined, []);
  }

  /** Log-probs under logits / `temperature` and entropies, or scores, of the batch's targets. */
  async forward(batch: PackedBatch, temperature = 1): Promise<BatchValues> {
    this.dims = this.uploadBatch(batch, temperature);
    this.forwardProgram.run(this.dims);
    const { values, entropy } = this.plan.head;
    const bytes = 4 * batch.targetRows.length;
    const part = ({ view }: Activation): View => ({ ...(view as View), byteLength: bytes });
    if (this.model.config.kind === 'reward') {
      const [scores] = await this.model.gpu.read(part(values));
      return { values: new Float32Array(scores as ArrayBuffer), entropy: new Float32Array(0) };
    }
    const [logp, entropies] = await this.model.gpu.read(part(values), part(entropy));
    return {
      values: new Float32Array(logp as ArrayBuffer),
      entropy: new Float32Array(entropies as ArrayBuffer),
    };
  }

  /**
   * Adds to the gradients, for the batch of the last `forward`, given d loss / d value and
   * optionally d loss / d entropy of each target.
   */
  backward(dValues: Float32Array, dEntropy?: Float32Array): void {
    if (!this.backwardProgram || !this.dims) throw new Error('no forward pass to go back from');
    const { head } = this.plan;
    this.model.gpu.upload(head.dValues.view as View, dValues);
    if (this.model.config.kind === 'causal') {
      const zero = new Float32Array(this.dims.targets);
      this.model.gpu.upload(head.dEntropy.view as View, dEntropy ?? zero);
    }
    this.backwardProgram.run(this.dims);
  }

  /** Useful floating-point operations (matmuls) of the last batch's forward or backward pass. */
  flops(pass: 'forward' | 'backward'): number {
    const program = pass === 'forward' ? this.forwardProgram : this.backwardProgram;
    return this.dims && program ? program.flops(this.dims) : 0;
  }

  destroy(): void {
    this.forwardProgram.destroy();
    this.backwardProgram?.destroy();
    for (const view of this.buffers) this.model.gpu.release('activations', view);
  }

  private uploadBatch(batch: PackedBatch, temperature: number): BatchDims {
    const { maxTokens, maxTargets } = this.limits;
    if (batch.tokens > maxTokens || batch.targetRows.length > maxTargets) {
      throw new Error(
        `a batch of ${batch.tokens} rows and ${batch.targetRows.length} targets does not fit ` +
          `into the ${maxTokens} and ${maxTargets} planned for`,
      );
    }
    const { inputs, head } = this.plan;
    const upload = (to: Activation, data: Uint32Array): void => {
      if (to.view && data.length > 0) this.model.gpu.upload(to.view, data);
    };
    upload(inputs.ids, batch.ids);
    upload(inputs.positions, batch.positions);
    upload(inputs.spans, batch.spans);
    upload(head.rows, batch.targetRows);
    upload(head.ids, batch.targetIds);
    let idOwners = 0;
    let rowOwners = 0;
    if (this.backwardProgram) {
      upload(inputs.viewEnd, batch.viewEnd);
      const uploadOwners = (lists: OwnerLists, ids: Uint32Array): number => {
        const groups = groupByTarget(ids);
        upload(lists.order, groups.order);
        upload(lists.starts, groups.starts);
        upload(lists.targets, groups.targets);
        return groups.targets.length;
      };
      idOwners = uploadOwners(inputs.idOwners, batch.ids);
      rowOwners = uploadOwners(head.owners, batch.targetRows);
    }
    return {
      tokens: batch.tokens,
      targets: batch.targetRows.length,
      idOwners,
      rowOwners,
      inverseTemperature: 1 / temperature,
    };
  }
}

function layerShape(model: LanguageModel, limits: BatchLimits): LayerShape {
  return {
    config: model.config,
    maxTokens: limits.maxTokens,
    frequencies: model.frequencies,
  };
}

function planBuffers(model: LanguageModel, shape: LayerShape, limits: BatchLimits): Plan {
  const embedded = new Activation('embedded', limits.maxTokens * model.config.hiddenSize);
  const layers: Plan['layers'] = [];
  let output = embedded;
  for (let layer = 0; layer < model.config.layers; layer++) {
    const saved = layerActivations(shape, layer, output);
    layers.push(saved);
    output = saved.output;
  }
  return {
    inputs: new HostInputs(limits.maxTokens),
    head: new HeadBuffers(model, limits.maxTargets),
    embedded,
    layers,
    output,
  };
}

function forwardOps(model: LanguageModel, shape: LayerShape, plan: Plan): Op<BatchDims>[] {
  const { inputs, head } = plan;
  const headOps = model.config.kind === 'reward' ? scoreForward : logprobForward;
  return [
    gather<BatchDims>({
      table: model.block('embedding'),
      ids: inputs.ids,
      out: plan.embedded,
      rows: (d) => d.tokens,
      cols: model.config.hiddenSize,
      label: 'embedding',
    }),
    ...plan.layers.flatMap((saved, i) =>
      layerForward<BatchDims>(shape, model.layer(i), saved, inputs),
    ),
    ...headOps(model, head, plan.output),
  ];
}

function backwardOps(
  model: LanguageModel,
  shape: LayerShape,
  plan: Plan,
  gradients: View,
  ones: View,
): Op<BatchDims>[] {
  const { inputs, head } = plan;
  const { hiddenSize } = model.config;
  const dResidual = new Activation('dResidual', shape.maxTokens * hiddenSize);
  const headOps = model.config.kind === 'reward' ? scoreHeadBackward : logprobHeadBackward;
  const layers = plan.layers.map((saved, i) =>
    layerBackward<BatchDims>(
      shape,
      model.layer(i),
      model.layer(i, gradients),
      saved,
      backwardScratch(shape, i, ones),
      inputs,
      dResidual,
    ),
  );
  return [
    ...headOps(model, gradients, head, dResidual),
    ...layers.reverse().flat(),
    gatherBackward<BatchDims>({
      dOut: dResidual,
      ...inputs.idOwners,
      dTable: model.block('embedding', gradients),
      owners: (d) => d.idOwners,
      cols: hiddenSize,
      label: 'd-embedding',
    }),
  ];
}
