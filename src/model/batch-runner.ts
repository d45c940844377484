/**
 * Runs whole sequences through a model: forward to log-probs and entropies (or scores), and
 * backward from the derivatives of the loss with respect to these. The caller computes the loss: it
 * reads the values, computes the derivatives on the host, and passes them to `backward` with the
 * forward pass.
 */
import { Activation, planActivations } from '../gpu/activations.ts';
import { lower, type Op } from '../gpu/kernel.ts';
import { groupByTarget } from '../gpu/kernels/gather-backward.ts';
import type { Memory, View } from '../gpu/memory.ts';
import { Program } from '../gpu/program.ts';
import { seenKeys, withinWindow, type PackedBatch } from './batch.ts';
import { backwardOps, forwardOps, type Plan } from './batch-ops.ts';
import { HeadBuffers, OwnerLists, type BatchDims } from './head-buffers.ts';
import { requireFinite } from './errors.ts';
import type { LanguageModel } from './language-model.ts';
import type { ParameterPool } from './parameter-pool.ts';
import { rowActivations, uploadRows } from './trunk.ts';

export interface BatchLimits {
  maxTokens: number;
  maxTargets: number;
  /**
   * Keep only the input of each layer, and recompute the rest in the backward pass (Chen et al.
   * 2016, arXiv 1604.06174): memory grows little with depth, for a third more work.
   */
  recompute?: boolean;
}

interface BatchValues {
  /** One per target: log p(token) under logits / temperature, or the score. */
  readonly values: Float32Array;
  /** One per target, in nats; empty for a score head. */
  readonly entropy: Float32Array;
}

/** The values of a forward pass, and what its backward pass needs. */
interface ForwardPass extends BatchValues {
  readonly batch: PackedBatch;
  readonly dims: BatchDims;
}

/** The result of `planBatch`: ops whose activations have memory. */
interface BatchPrograms {
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
    ...(model.config.window !== undefined && {
      windowViewEnd: new Activation('window viewEnd', limits.maxTokens, true),
    }),
    idOwners: new OwnerLists('ids', limits.maxTokens),
    head: new HeadBuffers(model, limits.maxTargets),
  };
  const ones = model.gpu.allocate('activations', 4 * limits.maxTokens, 'ones');
  model.gpu.upload(ones, new Float32Array(limits.maxTokens).fill(1));
  const { variants } = model.gpu;
  const forward = lower(forwardOps(model, plan), variants);
  const backward = gradients
    ? lower(backwardOps(model, plan, gradients, ones, limits.recompute ?? false), variants)
    : [];
  const buffers = [...planActivations(model.gpu, forward, backward), ones];
  return { plan, forward, backward, buffers };
}

/** Activations that several runners may use in turn. */
class BatchMemory {
  /** The forward pass whose activations are here, identified by its sizes. */
  holds: BatchDims | undefined;
  /** Settled when no pass is under way. */
  private free: Promise<unknown> = Promise.resolve();

  constructor(readonly plan: Plan) {}

  /**
   * One pass after the other: a pass is several submits with waits between them, in which another pass would
   * overwrite its inputs. Texts are scored while the scores of earlier texts are not there yet.
   */
  inTurn<T>(pass: () => Promise<T>): Promise<T> {
    const done = this.free.then(pass);
    this.free = done.catch(() => undefined);
    return done;
  }
}

/** What both runners do. */
abstract class Runner {
  protected constructor(
    readonly model: LanguageModel,
    readonly limits: BatchLimits,
    readonly memory: BatchMemory,
    private readonly program: Program<BatchDims>,
    private readonly buffers: readonly View[],
  ) {}

  protected run(batch: PackedBatch, temperature: number): Promise<ForwardPass> {
    return this.memory.inTurn(() => this.runNow(batch, temperature));
  }

  private async runNow(batch: PackedBatch, temperature: number): Promise<ForwardPass> {
    const dims = this.uploadBatch(batch, temperature);
    this.memory.holds = dims;
    await this.program.run(dims);
    this.model.gpu.counters.flops += this.program.flops(dims);
    const { values, entropy } = this.memory.plan.head;
    const bytes = 4 * batch.targetRows.length;
    const part = ({ view }: Activation): View => ({ ...(view as View), byteLength: bytes });
    const wanted = this.model.config.kind === 'reward' ? [values] : [values, entropy];
    const [first, second] = await this.model.gpu.read(...wanted.map(part));
    const result = {
      values: new Float32Array(first as ArrayBuffer),
      entropy: new Float32Array(second ?? []),
    };
    const kind = this.model.config.kind === 'reward' ? 'score' : 'log-probability';
    requireFinite(`A ${kind} that the model computes`, result.values);
    requireFinite('An entropy that the model computes', result.entropy);
    return { ...result, batch, dims };
  }

  destroy(): void {
    this.program.destroy();
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
    const { inputs, head, windowViewEnd } = this.memory.plan;
    const { ropes, config } = this.model;
    const near = config.window === undefined ? undefined : withinWindow(batch.spans, config.window);
    uploadRows(this.model.gpu, inputs, { ...batch, ...(near && { windowSpans: near.spans }) });
    if (near && windowViewEnd) upload(this.model, windowViewEnd, near.viewEnd);
    ropes.useLength(batch.longest);
    upload(this.model, head.rows, batch.targetRows);
    upload(this.model, head.ids, batch.targetIds);
    return {
      tokens: batch.tokens,
      pairs: seenKeys(batch.spans),
      ...(near && { windowPairs: seenKeys(near.spans) }),
      targets: batch.targetRows.length,
      // Set by the backward pass.
      idOwners: 0,
      rowOwners: 0,
      inverseTemperature: 1 / temperature,
    };
  }
}

/** Runs forward passes only. */
export class BatchRunner extends Runner {
  /** Plans memory for batches within `limits` and compiles the program. */
  static async create(model: LanguageModel, limits: BatchLimits): Promise<BatchRunner> {
    const { plan, forward, buffers } = planBatch(model, limits);
    const program = await Program.compile(model.gpu, forward);
    return new BatchRunner(model, limits, new BatchMemory(plan), program, buffers);
  }

  /** For other weights of the same shape (a reference policy), in the memory of `runner`. */
  static async beside(runner: TrainingRunner, model: LanguageModel): Promise<BatchRunner> {
    const { limits, memory } = runner;
    const ops = lower(forwardOps(model, memory.plan), model.gpu.variants);
    const own = planActivations(model.gpu, ops);
    const program = await Program.compile(model.gpu, ops);
    return new BatchRunner(model, limits, memory, program, own);
  }

  /**
   * Log-probs under logits / `temperature` and entropies, or scores, of the batch's targets.
   * @throws NotFiniteError when one of them is not finite
   */
  forward(batch: PackedBatch, temperature = 1): Promise<BatchValues> {
    return this.run(batch, temperature);
  }
}

/** Runs forward and backward passes. */
export class TrainingRunner extends Runner {
  private constructor(
    model: LanguageModel,
    limits: BatchLimits,
    memory: BatchMemory,
    program: Program<BatchDims>,
    buffers: readonly View[],
    private readonly backwardProgram: Program<BatchDims>,
  ) {
    super(model, limits, memory, program, buffers);
  }

  /** `gradients` have the layout of the trainable weights; the backward pass adds to them. */
  static async create(
    model: LanguageModel,
    limits: BatchLimits,
    gradients: ParameterPool,
  ): Promise<TrainingRunner> {
    const { plan, forward, backward, buffers } = planBatch(model, limits, gradients);
    return new TrainingRunner(
      model,
      limits,
      new BatchMemory(plan),
      await Program.compile(model.gpu, forward),
      buffers,
      await Program.compile(model.gpu, backward),
    );
  }

  /** As `BatchRunner.forward`; the result is also the argument of `backward`. */
  forward(batch: PackedBatch, temperature = 1): Promise<ForwardPass> {
    return this.run(batch, temperature);
  }

  /**
   * Adds to the gradients, given d loss / d value and optionally d loss / d entropy of each target.
   * @param pass the last forward pass in this memory; it has one backward pass
   * @throws Error when the activations of `pass` are gone
   */
  async backward(pass: ForwardPass, dValues: Float32Array, dEntropy?: Float32Array): Promise<void> {
    const { plan, holds } = this.memory;
    if (holds !== pass.dims) {
      throw new Error(
        'the activations of this forward pass are gone: run its backward pass once, with the same ' +
          'runner, before any other pass in its memory (a reference shares the memory of its policy)',
      );
    }
    const { targets } = pass.dims;
    if (dValues.length !== targets || (dEntropy && dEntropy.length !== targets)) {
      throw new Error(
        `this forward pass has ${targets} targets; backward needs a derivative of each`,
      );
    }
    this.memory.holds = undefined;
    const { batch } = pass;
    this.model.ropes.useLength(batch.longest);
    const dims = {
      ...pass.dims,
      idOwners: this.uploadOwners(plan.idOwners, batch.ids),
      rowOwners: this.uploadOwners(plan.head.owners, batch.targetRows),
    };
    upload(this.model, plan.viewEnd, batch.viewEnd);
    upload(this.model, plan.head.dValues, dValues);
    if (this.model.config.kind === 'causal') {
      upload(this.model, plan.head.dEntropy, dEntropy ?? new Float32Array(dims.targets));
    }
    await this.backwardProgram.run(dims);
    this.model.gpu.counters.flops += this.backwardProgram.flops(dims);
  }

  override destroy(): void {
    this.backwardProgram.destroy();
    super.destroy();
  }

  /** Returns the number of owners. */
  private uploadOwners(lists: OwnerLists, ids: Uint32Array): number {
    const groups = groupByTarget(ids);
    upload(this.model, lists.order, groups.order);
    upload(this.model, lists.starts, groups.starts);
    upload(this.model, lists.targets, groups.targets);
    return groups.targets.length;
  }
}

function upload({ gpu }: LanguageModel, to: Activation, data: Uint32Array | Float32Array): void {
  if (to.view && data.length > 0) gpu.upload(to.view, data);
}
