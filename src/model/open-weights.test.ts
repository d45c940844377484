import { describe, expect, it } from 'vitest';
import { asReward, CONFIGS, randomTensors as randomNumbers } from '../../tests/random-model.ts';
import { writeSafetensors, type Tensor } from '../../tests/safetensors.ts';
import type { ModelConfig } from './config.ts';
import { CheckpointError } from './errors.ts';
import { droppedFolder } from './files.ts';
import { openWeights, type OpenedWeights } from './open-weights.ts';
import { layoutParameters } from './parameters.ts';

const tied = CONFIGS['llama, tied']!;
const untied: ModelConfig = { ...tied, tieWordEmbeddings: false };
const reward = asReward(tied);

function randomTensors(config: ModelConfig, seed: number): Map<string, Tensor> {
  const { parameters } = layoutParameters(config);
  return new Map(
    [...randomNumbers(config, seed)].map(([name, values]) => [
      name,
      { shape: parameters.get(name)!.shape, values },
    ]),
  );
}

type Tensors = ReadonlyMap<string, Tensor>;

const open = (config: ModelConfig, tensors: Tensors): Promise<OpenedWeights> =>
  openWeights(
    droppedFolder(new Map([['m/model.safetensors', new Blob([writeSafetensors(tensors)])]])),
    config,
  );

const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));

const tensor = (...shape: number[]): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});

const numbers = async ({ tensors }: OpenedWeights) =>
  new Map(
    await Promise.all(
      tensors.map(async ({ name, file }) => [name, await file.read(name)] as const),
    ),
  );

async function refusal(config: ModelConfig, tensors: Tensors): Promise<string> {
  const error: unknown = await open(config, tensors).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

describe('names', () => {
  it.each<[string, (name: string) => string]>([
    ['of a compiled model', (name) => `_orig_mod.${name}`],
    ['of data parallelism', (name) => `module.${name}`],
    ['of both', (name) => `module._orig_mod.${name}`],
    ['of compiled layers', (name) => name.replace(/(layers\.\d+)\./, '$1._orig_mod.')],
    ['of FSDP', (name) => name.replace(/(layers\.\d+)\./, '_fsdp_wrapped_module.$1.')],
    ['of a bare decoder', (name) => name.replace(/^model\./, '')],
    ['of a model with a value head of TRL', (name) => `pretrained_model.${name}`],
    [
      'of the text part of a larger model',
      (name) => name.replace(/^model/, 'model.language_model'),
    ],
  ])('%s are read', async (_, rename) => {
    const tensors = randomTensors(untied, 1);
    const opened = await open(untied, renamed(tensors, rename));
    expect(opened.config).toEqual(untied);
    expect(await numbers(opened)).toEqual(await numbers(await open(untied, tensors)));
  });

  it('twice are refused', async () => {
    const tensors = new Map([
      ...randomTensors(untied, 1),
      ...renamed(randomTensors(untied, 2), (name) => `module.${name}`),
    ]);
    expect(await refusal(untied, tensors)).toMatch(
      /model\.safetensors has both model\.embed_tokens\.weight and module\.model\.embed_tokens\.weight, which/,
    );
  });

  it.each(['model.layers.0.self_attn.q_proj.base_layer.weight', 'q_proj.lora_A.default.weight'])(
    'of an unmerged adapter (%s) are refused',
    async (name) => {
      const tensors = new Map([...randomTensors(untied, 1), [name, tensor(2, 2)]]);
      expect(await refusal(untied, tensors)).toMatch(
        /^m has a tensor .*, so an adapter was saved together with its base; merge them/,
      );
    },
  );
});

describe('a tensor that the config has no place for is named with what to do', () => {
  it.each([
    ['model.layers.0.mlp.up_proj.qweight', 'so its weights are quantised; choose its F32'],
    ['model.layers.0.mlp.up_proj.weight.absmax', 'so its weights are quantised'],
    ['model.layers.0.mlp.up_proj.weight_scale_inv', 'so its weights are quantised'],
    ['actor.model.norm.weight', 'which is model.norm.weight with a prefix that is not known; save'],
    ['transformer.layers.0.mlp.up_proj.weight', 'which is model.layers.0.mlp.up_proj.weight with'],
    ['model.position_ids', 'which its config.json has no place for; take both files from the same'],
  ])('%s', async (name, advice) => {
    const tensors = new Map([...randomTensors(untied, 1), [name, tensor(2, 2)]]);
    expect(await refusal(untied, tensors)).toContain(`m has a tensor ${name}, ${advice}`);
  });
});

describe('heads', () => {
  it('a value head beside a policy is left out', async () => {
    const tensors = randomTensors(untied, 1);
    const value: [string, Tensor][] = [
      ['v_head.summary.weight', tensor(1, untied.hiddenSize)],
      ['v_head.summary.bias', tensor(1)],
      ['module.value_head.weight', tensor(1, untied.hiddenSize)],
    ];
    const opened = await open(untied, new Map([...tensors, ...value]));
    expect(opened.tensors).toHaveLength(tensors.size);
  });

  it('of a reward model beside a policy, or of another name, is named', async () => {
    const score = new Map([...randomTensors(untied, 1), ['score.weight', tensor(1, 8)]]);
    expect(await refusal(untied, score)).toMatch(
      /score\.weight, the head of a reward model, but config\.json describes a policy; to use it/,
    );
    const tensors = randomTensors(reward, 1);
    expect(await refusal(reward, new Map([...tensors, ['mean', tensor(1)]]))).toMatch(
      /m has a tensor mean, with which OpenRLHF normalises the scores; .* remove mean and std/,
    );
    const other = renamed(tensors, (name) => name.replace('score', 'value_head'));
    expect(await refusal(reward, other)).toMatch(
      /value_head\.weight, but the head of a reward model is called score\.weight here; rename/,
    );
  });

  it('of its own values unties a tied model, the same values do not', async () => {
    const tensors = randomTensors(tied, 1);
    const embedding = tensors.get('model.embed_tokens.weight')!;
    const same = await open(tied, new Map([...tensors, ['lm_head.weight', embedding]]));
    expect(same.config).toEqual(tied);
    expect(same.tensors).toHaveLength(tensors.size);
    const values = embedding.values.slice();
    values[values.length - 1]! += 1;
    const own = { ...embedding, values };
    const opened = await open(tied, new Map([...tensors, ['lm_head.weight', own]]));
    expect(opened.config).toEqual({ ...tied, tieWordEmbeddings: false });
    expect((await numbers(opened)).get('lm_head.weight')).toEqual(values);
    expect(await refusal(tied, new Map([...tensors, ['lm_head.weight', tensor(3, 4)]]))).toMatch(
      /lm_head\.weight has shape \[3, 4\] but config\.json asks for/,
    );
  });
});

it.each([tied, reward])(
  'a tied model that was saved under the name of its head is read',
  async (config) => {
    const tensors = randomTensors(config, 1);
    const head = (name: string): string => name.replace('model.embed_tokens', 'lm_head');
    const opened = await open(config, renamed(tensors, head));
    expect(opened.config).toEqual(config);
    const read = await numbers(opened);
    expect([...read].sort()).toEqual([...(await numbers(await open(config, tensors)))].sort());
    expect(await refusal(untied, renamed(randomTensors(tied, 1), head))).toContain(
      'no tensor model.em',
    );
  },
);

it('empty tensors are what ZeRO-3 saves', async () => {
  const tensors = randomTensors(untied, 1);
  tensors.set('model.norm.weight', tensor(0));
  expect(await refusal(untied, tensors)).toMatch(
    /tensor model\.norm\.weight is empty \(shape \[0\]\), as DeepSpeed ZeRO-3 and FSDP save weights/,
  );
});
