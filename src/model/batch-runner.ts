/**
 * Whole sequences through a model: forward to log-probs and entropies (or scores), and backward from
 * the loss's derivatives with respect to those. The loss itself is the caller's: it reads the
 * values, computes its derivatives on the host, and hands them to `backward`.
 */
import { Activation, planActivations } from '../gpu/activations.ts';
import type { View } from '../gpu/device.ts';
import { again, type Op } from '../gpu/kernel.ts';
import { gatherBackward, groupByTarget } from '../gpu/kernels/gather-backward.ts';
import type { Memory } from '../gpu/memory.ts';
import { Program } from '../gpu/program.ts';
import { seenKeys, type PackedBatch } from './batch.ts';
import { HeadBuffers, OwnerLists, type BatchDims } from './head-buffers.ts';
import { logprobForward, logprobHeadBackward, scoreForward, scoreHeadBackward } from './heads.ts';
import type { LanguageModel } from './language-model.ts';
import { backwardScratch, layerBackward, type LayerGradients } from './layer-backward.ts';
import { layerActivations, layerInner, type LayerSaved } from './layers.ts';
import { factorBlock } from './lora.ts';
import type { ParameterPool } from './parameter-pool.ts';
import { layerBlock } from './parameters.ts';
import { rowActivations, trunkOps, uploadRows, type Trunk } from './trunk.ts';

export interface BatchLimits {
  maxTokens: number;
  maxTargets: number;
  /**
   * Keep only the input of each layer, and recompute the rest in the backward pass (Chen et al.
   * 2016, arXiv 1604.06174): memory grows little with depth, for a third more work.
   */
  recompute?: boolean;
}

export interface BatchValues {
  /** One per target: log p(token) under logits / temperature, or the score. */
  values: Float32Array;
  /** One per target, in nats; empty for a score head. */
  entropy: Float32Array;
}

interface Plan extends Trunk {
  viewEnd: Activation;
  idOwners: OwnerLists;
  head: HeadBuffers;
}

/** The result of `planBatch`: ops whose activations have memory. */
export interface BatchPrograms {
  plan: Plan;
  forward: Op<BatchDims>[];
  backward: Op<BatchDims>[];
  buffers: View[];
}

/** Allocates the activations of batches within `limits`, and returns the ops of their programs. */
export function planBatch(
  model: LanguageModel<Memory>,
  limits: BatchLimits,
  gradients?: ParameterPool,
): BatchPrograms {
  const plan: Plan = {
    ...rowActivations(model, limits.maxTokens),
    viewEnd: new Activation('viewEnd', limits.maxTokens, true),
    idOwners: new OwnerLists('ids', limits.maxTokens),
    head: new HeadBuffers(model, limits.maxTargets),
  };
  const ones = model.gpu.allocate('activations', 4 * limits.maxTokens, 'ones');
  model.gpu.upload(ones, new Float32Array(limits.maxTokens).fill(1));
  const forward = forwardOps(model, plan);
  const backward = gradients
    ? backwardOps(model, plan, gradients, ones, limits.recompute ?? false)
    : [];
  const buffers = [...planActivations(model.gpu, forward, backward), ones];
  return { plan, forward, backward, buffers };
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
   * Plans memory for batches within `limits` and compiles the programs. With `gradients`, laid out
   * as what trains, the backward pass is there too.
   */
  static async create(
    model: LanguageModel,
    limits: BatchLimits,
    gradients?: ParameterPool,
  ): Promise<BatchRunner> {
    const { plan, forward, backward, buffers } = planBatch(model, limits, gradients);
    return new BatchRunner(
      model,
      limits,
      plan,
      await Program.compile(model.gpu, forward),
      gradients && (await Program.compile(model.gpu, backward)),
      buffers,
    );
  }

  /** A forward pass of other weights of the same shape (the reference policy) in the same memory. */
  async withWeights(model: LanguageModel): Promise<BatchRunner> {
    const ops = forwardOps(model, this.plan);
    const program = await Program.compile(model.gpu, ops);
    return new BatchRunner(model, this.limits, this.plan, program, undefined, []);
  }

  /** Log-probs under logits / `temperature` and entropies, or scores, of the batch's targets. */
  async forward(batch: PackedBatch, temperature = 1): Promise<BatchValues> {
    this.dims = this.uploadBatch(batch, temperature);
    this.forwardProgram.run(this.dims);
    this.model.gpu.counters.flops += this.forwardProgram.flops(this.dims);
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
    this.model.gpu.counters.flops += this.backwardProgram.flops(this.dims);
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
        `a batch of ${batch.tokens} rows and ${batch.targetRows.length} targets does not fit: ` +
          `memory is planned for ${maxTokens} and ${maxTargets}`,
      );
    }
    const { inputs, head, viewEnd, idOwners: idLists } = this.plan;
    const upload = (to: Activation, data: Uint32Array): void => {
      if (to.view && data.length > 0) this.model.gpu.upload(to.view, data);
    };
    uploadRows(this.model.gpu, inputs, batch);
    upload(head.rows, batch.targetRows);
    upload(head.ids, batch.targetIds);
    let idOwners = 0;
    let rowOwners = 0;
    if (this.backwardProgram) {
      upload(viewEnd, batch.viewEnd);
      const uploadOwners = (lists: OwnerLists, ids: Uint32Array): number => {
        const groups = groupByTarget(ids);
        upload(lists.order, groups.order);
        upload(lists.starts, groups.starts);
        upload(lists.targets, groups.targets);
        return groups.targets.length;
      };
      idOwners = uploadOwners(idLists, batch.ids);
      rowOwners = uploadOwners(head.owners, batch.targetRows);
    }
    return {
      tokens: batch.tokens,
      pairs: seenKeys(batch),
      targets: batch.targetRows.length,
      idOwners,
      rowOwners,
      inverseTemperature: 1 / temperature,
    };
  }
}

function forwardOps(model: LanguageModel<Memory>, plan: Plan): Op<BatchDims>[] {
  const headOps = model.config.kind === 'reward' ? scoreForward : logprobForward;
  return [...trunkOps<BatchDims>(model, plan), ...headOps(model, plan.head, plan.output)];
}

function backwardOps(
  model: LanguageModel<Memory>,
  plan: Plan,
  gradients: ParameterPool,
  ones: View,
  recompute: boolean,
): Op<BatchDims>[] {
  const { shape, inputs } = plan;
  const { hiddenSize } = model.config;
  const dResidual = new Activation('dResidual', shape.maxTokens * hiddenSize);
  const headOps = model.config.kind === 'reward' ? scoreHeadBackward : logprobHeadBackward;
  const layers = plan.layers.map((kept, i) => {
    const saved = recompute ? layerActivations(shape, i, kept.input) : kept;
    return [
      ...(recompute ? innerAgain(model, plan, i, saved) : []),
      ...layerBackward<BatchDims>(
        shape,
        model.layer(i),
        layerGradients(gradients, i),
        saved,
        backwardScratch(shape, i, ones),
        { ...inputs, viewEnd: plan.viewEnd },
        dResidual,
      ),
    ];
  });
  return [
    ...headOps(model, gradients, plan.head, dResidual),
    ...layers.reverse().flat(),
    ...embeddingBackward(gradients, plan, dResidual, hiddenSize),
  ];
}

function innerAgain(
  model: LanguageModel<Memory>,
  { shape, inputs }: Plan,
  layer: number,
  saved: LayerSaved,
): Op<BatchDims>[] {
  return layerInner<BatchDims>(shape, model.layer(layer), saved, inputs).map(again);
}

function layerGradients(pool: ParameterPool, layer: number): LayerGradients {
  return {
    vector: (part) => pool.find(layerBlock(layer, part)),
    linear: (part) => ({
      weight: pool.find(layerBlock(layer, part)),
      a: pool.find(factorBlock(layer, part, 'A')),
      b: pool.find(factorBlock(layer, part, 'B')),
    }),
  };
}

function embeddingBackward(
  gradients: ParameterPool,
  plan: Plan,
  dOut: Activation,
  cols: number,
): Op<BatchDims>[] {
  if (!gradients.has('embedding')) return [];
  return gradients.pieces('embedding').map(({ view, firstRow, rows }) =>
    gatherBackward<BatchDims>({
      dOut,
      ...plan.idOwners.lists,
      dTable: view,
      first: firstRow,
      count: rows,
      owners: (d) => d.idOwners,
      cols,
      label: 'd-embedding',
    }),
  );
}
