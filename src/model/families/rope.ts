/**
 * The rotary embedding in a config.json: `rope_theta` and `rope_scaling`, or the `rope_parameters` of
 * transformers 5, which may lie under the names of layer types. Definitions: modeling_rope_utils.py.
 */
import type { Fields, Sizes } from './fields.ts';

export interface Rope {
  ropeTheta: number;
  ropeScaling?: RopeScaling;
}

/** What a config.json says of rotation; see `Differences` in family.ts. */
export interface RopeFields extends Rope {
  slidingRope?: Rope;
  rotaryDim?: number;
}

interface Scaled {
  /** The context of the model before it was stretched. */
  originalMaxPositionEmbeddings: number;
}

/** Each type stretches the context in another way; see src/model/rope.ts. */
export type RopeScaling =
  | { type: 'linear'; factor: number }
  | ({ type: 'dynamic'; factor: number } & Scaled)
  | ({ type: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number } & Scaled)
  | ({
      type: 'yarn';
      factor: number;
      /** Rotated elements are multiplied by it. */
      attentionFactor: number;
      betaFast: number;
      betaSlow: number;
      truncate: boolean;
    } & Scaled)
  | ({
      type: 'longrope';
      attentionFactor: number;
      /** One for each frequency, for sequences of at most the original length, and for longer ones. */
      shortFactor: readonly number[];
      longFactor: readonly number[];
    } & Scaled);

interface RopeOptions {
  /** rope_theta where the file has none; 10000 if absent. */
  theta?: number;
  /** A part of a head may be rotated. */
  partial?: boolean;
  /** Other names of types. */
  aliases?: Readonly<Record<string, string>>;
  /**
   * The original context is a field of config.json itself, and this where it has none. Absent: it is beside
   * the scaling, or max_position_embeddings.
   */
  original?: number;
}

/** One rotary embedding for all layers. */
export const ropeOf =
  (options: RopeOptions = {}) =>
  (fields: Fields, sizes: Sizes): RopeFields => {
    // As in transformers, rope_scaling comes first where both objects are given.
    const given = [fields.object('rope_scaling'), fields.object('rope_parameters')];
    const scaling = given.find((object) => object !== undefined && !object.isEmpty);
    const nested = scaling?.nestedField();
    if (scaling && nested !== undefined) {
      throw scaling.unsupported(nested, 'one rotary embedding for all layers');
    }
    const theta = scaling?.has('rope_theta')
      ? scaling.positive('rope_theta')
      : fields.positive('rope_theta', options.theta ?? 10000);
    return readRope(scaling, theta, fields, sizes, options);
  };

/**
 * One for the layers with full attention, and one for those that slide: the objects of these names in
 * rope_parameters, or rope_theta and rope_scaling, which are of full attention alone.
 * @param byDefault rope_theta where the file has none, and an older field for that of sliding layers
 */
export const layeredRope =
  (byDefault: { full: number; sliding: number; slidingField?: string }) =>
  (fields: Fields, sizes: Sizes): RopeFields => {
    const both = fields.object('rope_parameters');
    const full = fields.object('rope_scaling') ?? both?.object('full_attention');
    const sliding = both?.object('sliding_attention');
    refuseUnread(full);
    refuseUnread(sliding);
    if (both && !both.isEmpty && both.nestedField() === undefined) {
      throw fields.unsupported('rope_parameters', 'one with full_attention and sliding_attention');
    }
    const { slidingField = '' } = byDefault;
    const slidingTheta = fields.has(slidingField)
      ? fields.positive(slidingField)
      : byDefault.sliding;
    const thetaOf = (object: Fields | undefined, otherwise: () => number): number =>
      object?.has('rope_theta') ? object.positive('rope_theta') : otherwise();
    return {
      ...readRope(
        full,
        thetaOf(full, () => fields.positive('rope_theta', byDefault.full)),
        fields,
        sizes,
      ),
      slidingRope: readRope(
        sliding,
        thetaOf(sliding, () => slidingTheta),
        fields,
        sizes,
      ),
    };
  };

/** Fields that transformers 5.24 leaves out where layers have different rotary embeddings. */
function refuseUnread(scaling: Fields | undefined): void {
  if (scaling?.has('type') && !scaling.has('rope_type')) {
    throw scaling.error('type', 'must be called rope_type, else transformers does not read it');
  }
  if (scaling && !isTruncated(scaling)) {
    throw scaling.unsupported('truncate', 'true');
  }
}

/** @param scaling the object that describes it */
function readRope(
  scaling: Fields | undefined,
  ropeTheta: number,
  fields: Fields,
  sizes: Sizes,
  options: RopeOptions = {},
): RopeFields {
  const partial = 'partial_rotary_factor';
  const shareFrom = scaling?.has(partial) ? scaling : fields;
  const share = shareFrom.positive(partial, 1);
  const rotaryDim = Math.floor(sizes.headDim * share);
  if (share !== 1 && !options.partial) throw shareFrom.unsupported(partial, '1');
  if (share > 1 || rotaryDim < 2 || rotaryDim % 2 !== 0) {
    throw shareFrom.error(partial, `must make an even part of head_dim ${sizes.headDim}`);
  }
  const ropeScaling = scaling && readScaling(scaling, fields, sizes, rotaryDim, options);
  return {
    ropeTheta,
    ...(ropeScaling && { ropeScaling }),
    ...(rotaryDim < sizes.headDim && { rotaryDim }),
  };
}

const TYPES = ['default', 'linear', 'dynamic', 'llama3', 'yarn', 'longrope'];

function readScaling(
  scaling: Fields,
  fields: Fields,
  { maxPositions }: Sizes,
  rotaryDim: number,
  { aliases = {}, original: byDefault }: RopeOptions,
): RopeScaling | undefined {
  const typeField = scaling.get('rope_type') === undefined ? 'type' : 'rope_type';
  const named = scaling.get(typeField) ?? 'default';
  const type = (aliases[named as string] ?? named) as RopeScaling['type'] | 'default';
  const original = (): number => {
    const field = 'original_max_position_embeddings';
    const from = byDefault !== undefined || fields.has(field) ? fields : scaling;
    return from.size(field, byDefault ?? maxPositions);
  };
  const optional = (field: string): number | undefined =>
    scaling.has(field) ? scaling.positive(field) : undefined;
  // As in transformers, 0 is the same as null.
  const orZero = (field: string): number | undefined =>
    scaling.get(field) === 0 ? undefined : optional(field);
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type, factor: scaling.positive('factor') };
    case 'dynamic':
      return {
        type,
        factor: scaling.positive('factor'),
        originalMaxPositionEmbeddings: maxPositions,
      };
    case 'llama3':
      return readLlama3(scaling, original());
    case 'yarn': {
      const originalMaxPositionEmbeddings = original();
      const factor = optional('factor') ?? maxPositions / originalMaxPositionEmbeddings;
      const [top, bottom] = [orZero('mscale'), orZero('mscale_all_dim')];
      const inferred =
        top && bottom ? mscale(factor, top) / mscale(factor, bottom) : mscale(factor);
      return {
        type,
        factor,
        attentionFactor: optional('attention_factor') ?? inferred,
        betaFast: orZero('beta_fast') ?? 32,
        betaSlow: orZero('beta_slow') ?? 1,
        truncate: isTruncated(scaling),
        originalMaxPositionEmbeddings,
      };
    }
    case 'longrope': {
      const originalMaxPositionEmbeddings = original();
      const factor = optional('factor') ?? maxPositions / originalMaxPositionEmbeddings;
      const inferred =
        factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositionEmbeddings));
      return {
        type,
        attentionFactor: optional('attention_factor') ?? inferred,
        shortFactor: factors(scaling, 'short_factor', rotaryDim / 2),
        longFactor: factors(scaling, 'long_factor', rotaryDim / 2),
        originalMaxPositionEmbeddings,
      };
    }
    default:
      throw scaling.unsupported(typeField, TYPES.join(', '));
  }
}

/** null is the same as false. */
const isTruncated = (scaling: Fields): boolean =>
  scaling.get('truncate') === undefined || scaling.flag('truncate');

const mscale = (scale: number, by = 1): number => (scale <= 1 ? 1 : 0.1 * by * Math.log(scale) + 1);

function readLlama3(scaling: Fields, originalMaxPositionEmbeddings: number): RopeScaling {
  const lowFreqFactor = scaling.positive('low_freq_factor');
  const highFreqFactor = scaling.positive('high_freq_factor');
  if (highFreqFactor <= lowFreqFactor) {
    throw scaling.error('high_freq_factor', `must be above low_freq_factor ${lowFreqFactor}`);
  }
  const factor = scaling.positive('factor');
  return { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings };
}

function factors(scaling: Fields, field: string, count: number): number[] {
  const value = scaling.get(field);
  const valid = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x) && x > 0;
  if (!Array.isArray(value) || value.length !== count || !value.every(valid)) {
    throw scaling.error(field, `must be a list of ${count} positive numbers`);
  }
  return value;
}

/** The fields that transformers 4 and 5 read. */
export function ropeToJson({ ropeTheta, ropeScaling }: Rope): Record<string, unknown> {
  return { rope_theta: ropeTheta, rope_scaling: ropeScaling ? scalingToJson(ropeScaling) : null };
}

/** What `layeredRope` reads, as transformers 5 writes it. */
export function layeredRopeToJson({ slidingRope, ...full }: RopeFields): Record<string, unknown> {
  const parameters = ({ ropeTheta, ropeScaling }: Rope): Record<string, unknown> => ({
    rope_theta: ropeTheta,
    ...(ropeScaling ? scalingToJson(ropeScaling) : { rope_type: 'default' }),
  });
  return {
    rope_scaling: undefined,
    rope_parameters: {
      full_attention: parameters(full),
      sliding_attention: parameters(slidingRope!),
    },
  };
}

function scalingToJson(scaling: RopeScaling): Record<string, unknown> {
  const names: Record<string, string> = {
    type: 'rope_type',
    lowFreqFactor: 'low_freq_factor',
    highFreqFactor: 'high_freq_factor',
    attentionFactor: 'attention_factor',
    betaFast: 'beta_fast',
    betaSlow: 'beta_slow',
    shortFactor: 'short_factor',
    longFactor: 'long_factor',
    originalMaxPositionEmbeddings: 'original_max_position_embeddings',
  };
  const entries = Object.entries(scaling).map(
    ([key, value]) => [names[key] ?? key, value] as const,
  );
  // transformers takes max_position_embeddings for it, and warns where the field is given too.
  const unread = scaling.type === 'dynamic' ? 'original_max_position_embeddings' : '';
  return Object.fromEntries(entries.filter(([name]) => name !== unread));
}
