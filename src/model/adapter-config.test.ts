import { describe, expect, it } from 'vitest';
import { CONFIGS } from '../../tests/random-model.ts';
import { writeSafetensors, type Tensor } from '../../tests/safetensors.ts';
import { readAdapterConfig } from './adapter-config.ts';
import { CheckpointError } from './errors.ts';
import { droppedFolder, type CheckpointFolder } from './files.ts';
import { layoutAdapter } from './lora.ts';
import { openAdapter } from './open-adapter.ts';
import { loraTensor, PROJECTIONS, type LoraConfig, type Projection } from './peft.ts';

type Json = Record<string, unknown>;
type Tensors = Map<string, Tensor>;

const model = CONFIGS['llama, tied']!;
const lora: LoraConfig = { task: 'CAUSAL_LM', r: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };

/** As peft 0.21 saves a plain adapter. */
const saved: Json = {
  ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', peft_version: '0.21.2', auto_mapping: null },
  ...{ base_model_name_or_path: 'base', revision: null, inference_mode: true, r: 2 },
  ...{ lora_alpha: 4, lora_dropout: 0.1, target_modules: ['v_proj', 'q_proj'], bias: 'none' },
  ...{ exclude_modules: null, layers_to_transform: null, layers_pattern: null },
  ...{ modules_to_save: null, rank_pattern: {}, alpha_pattern: {}, use_rslora: false },
  ...{ init_lora_weights: true, fan_in_fan_out: false, use_dora: false, lora_bias: false },
  ...{ megatron_config: null, megatron_core: 'megatron.core', loftq_config: {}, eva_config: null },
  ...{ corda_config: null, trainable_token_indices: null, target_parameters: null },
  ...{ use_qalora: false, qalora_group_size: 16, alora_invocation_tokens: null },
  ...{ layer_replication: null, arrow_config: null, ensure_weight_tying: false },
};

function tensors(layers = [0, 1], projections: Projection[] = ['q_proj', 'v_proj']): Tensors {
  const { parameters } = layoutAdapter(model, { ...lora, targets: projections });
  const names = layers.flatMap((layer) =>
    projections.flatMap((p) => [loraTensor(layer, p, 'A'), loraTensor(layer, p, 'B')]),
  );
  return new Map(names.map((name) => [name, tensor(...parameters.get(name)!.shape)]));
}

const tensor = (...shape: number[]): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});

const folder = (json: Json, weights: Tensors = tensors()): CheckpointFolder =>
  droppedFolder(
    new Map([
      ['a/adapter_config.json', new Blob([JSON.stringify({ ...saved, ...json })])],
      ['a/adapter_model.safetensors', new Blob([writeSafetensors(weights)])],
    ]),
  );

/** The names of the factors that would be loaded. */
async function open(json: Json, weights?: Tensors): Promise<string[]> {
  const from = folder(json, weights);
  const config = (await readAdapterConfig(from))!;
  const opened = await openAdapter(from, config, layoutAdapter(model, config));
  return opened.map(({ name }) => name);
}

async function refusal(json: Json, weights?: Tensors): Promise<string> {
  const error: unknown = await open(json, weights).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

const renamed = (rename: (name: string) => string): Tensors =>
  new Map([...tensors()].map(([name, value]) => [rename(name), value]));

const names = [...tensors().keys()].sort();

describe('the fields of adapter_config.json', () => {
  it('of a plain adapter', async () => {
    expect(await readAdapterConfig(folder({}))).toEqual({ ...lora, base: 'base' });
    expect((await open({})).sort()).toEqual(names);
    expect(await readAdapterConfig(folder({ use_rslora: true }))).toMatchObject({
      alpha: 4 * Math.SQRT2,
    });
  });

  it.each([true, false, null, 'gaussian', 'orthogonal', 'eva', 'mica'])(
    'a start that leaves the base as it is: %j',
    async (init_lora_weights) => {
      expect((await open({ init_lora_weights })).sort()).toEqual(names);
    },
  );

  it.each(['pissa', 'pissa_niter_4', 'olora', 'corda', 'loftq', 'lora_ga', 'new'])(
    'a start that changes the base is refused: %s',
    async (init_lora_weights) => {
      expect(await refusal({ init_lora_weights })).toContain(
        `init_lora_weights is "${init_lora_weights}", which changes the base too; save the adapter`,
      );
    },
  );

  it.each<[Json, string]>([
    [{ lora_bias: true }, 'lora_bias is set (biases of the factors), which is not supported'],
    [{ use_dora: true }, 'use_dora is set (DoRA)'],
    [{ use_qalora: true }, 'use_qalora is set'],
    [
      { trainable_token_indices: [3, 4] },
      'trainable_token_indices is set (trained rows of the emb',
    ],
    [{ trainable_token_indices: { embed_tokens: [1] } }, 'trainable_token_indices is set'],
    [{ alora_invocation_tokens: [1] }, 'alora_invocation_tokens is set (activated LoRA)'],
    [{ target_parameters: ['experts.down_proj'] }, 'target_parameters is set'],
    [{ layer_replication: [[0, 2]] }, 'layer_replication is set'],
    [
      { rank_pattern: { q_proj: 4 } },
      'rank_pattern is set, which is not supported: all projections',
    ],
    [{ alpha_pattern: { q_proj: 16 } }, 'alpha_pattern is set'],
    [{ use_frobnication: 'much' }, 'use_frobnication is "much", and this field is not known here'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save has "lm_head"; only LoRA factors are supp'],
    [
      { target_modules: ['q_proj', 'embed_tokens'] },
      'target_modules has "embed_tokens"; known are',
    ],
    [{ target_modules: ['mlp.q_proj'] }, 'target_modules has "mlp.q_proj"; known are q_proj'],
    [{ target_modules: [] }, 'target_modules names no projection'],
    [{ target_modules: 7 }, 'target_modules is 7; it must be a text or a list of texts'],
    [{ exclude_modules: [1] }, 'exclude_modules is [1]; it must be a text or a list of texts'],
    [{ layers_to_transform: ['0'] }, 'layers_to_transform is ["0"]; it must be numbers of layers'],
    [{ layers_to_transform: 0, layers_pattern: 'h' }, 'layers_pattern is "h"; the layers of'],
    [{ task_type: 'TOKEN_CLS' }, 'task_type is "TOKEN_CLS"; it must be CAUSAL_LM or SEQ_CLS'],
    [{ task_type: 'constructor' }, 'task_type is "constructor"; it must be'],
    [{ peft_type: 'IA3' }, 'peft_type is "IA3"; only adapters of the type LORA can be loaded'],
    [{ r: 1.5 }, 'r is 1.5; it must be a whole number from 1 to 16384'],
    [{ r: 2 ** 52 }, 'r is 4503599627370496; it must be a whole number from 1 to 16384'],
    [{ lora_alpha: null }, 'lora_alpha is null; it must be a number'],
  ])('%j is refused', async (json, sentence) => {
    expect(await refusal(json)).toMatch(/^a\/adapter_config\.json: /);
    expect(await refusal(json)).toContain(sentence);
  });

  it('without task_type, an adapter that saved a score head is that of a reward model', async () => {
    const json = { task_type: null, modules_to_save: ['score'] };
    expect(await readAdapterConfig(folder(json))).toMatchObject({ task: 'SEQ_CLS' });
    expect(await readAdapterConfig(folder({ task_type: null }))).toMatchObject({
      task: 'CAUSAL_LM',
    });
  });

  it('lora_alpha without end is refused', async () => {
    const text = JSON.stringify(saved).replace('"lora_alpha":4', '"lora_alpha":1e999');
    const files = new Map([['a/adapter_config.json', new Blob([text])]]);
    await expect(readAdapterConfig(droppedFolder(files))).rejects.toThrow('lora_alpha is Infinity');
  });

  it('a pattern that names the common rank changes nothing', async () => {
    expect((await open({ rank_pattern: { q_proj: 2 } })).sort()).toEqual(names);
  });
});

describe('adapters of some modules', () => {
  const second = [...tensors([1]).keys()];

  it.each<[string, Json, Tensors]>([
    ['one layer', { layers_to_transform: 1 }, tensors([1])],
    ['a list of layers', { layers_to_transform: [1], layers_pattern: 'layers' }, tensors([1])],
    ['a regular expression', { target_modules: '.*1\\.self_attn\\.(q|v)_proj' }, tensors([1])],
    [
      "a regular expression in Python's syntax",
      { target_modules: '(?i)MODEL\\.layers\\.(?P<n>1)\\.self_attn\\.(?:q|v)_proj\\Z' },
      tensors([1]),
    ],
    [
      'whole names, which layers_to_transform does not limit',
      { target_modules: ['model.layers.1.self_attn.q_proj', 'v_proj'], layers_to_transform: [1] },
      tensors([1]),
    ],
    ['excluded by a regular expression', { exclude_modules: '.*layers\\.0\\..*' }, tensors([1])],
    [
      'excluded by name',
      { exclude_modules: ['model.layers.0.self_attn.q_proj', '0.self_attn.v_proj'] },
      tensors([1]),
    ],
    [
      'whole names',
      { target_modules: ['model.layers.1.self_attn.q_proj', '1.self_attn.v_proj'] },
      tensors([1]),
    ],
  ])('%s: the others have no factors', async (_, json, weights) => {
    expect((await open(json, weights)).sort()).toEqual([...second].sort());
  });

  it('longer names of projections are those of every layer', async () => {
    const json = { target_modules: ['self_attn.q_proj', 'self_attn.v_proj'] };
    expect((await open(json)).sort()).toEqual(names);
  });

  it('must have the factors that the config names, and no others', async () => {
    expect(await refusal({ layers_to_transform: [0, 1] }, tensors([1]))).toMatch(
      /config\.json: the adapter has no factors for model\.layers\.0\.self_attn\.q_proj; take both/,
    );
    expect(await refusal({ layers_to_transform: [1] }, tensors([0, 1]))).toMatch(
      /has factors for model\.layers\.0\.self_attn\.q_proj, which target_modules, .* leave out/,
    );
    expect(await refusal({}, tensors([0]))).toMatch(
      /an adapter for another base: it has no .*1\.se/,
    );
    expect(await refusal({}, new Map())).toMatch(
      /q_proj\.lora_A\.weight, so it is not complete; copy/,
    );
    expect(await refusal({}, tensors([1]))).toMatch(
      /^a\/adapter_model\.safetensors has no .*layers\.0\.self_attn\.q_proj\.lora_A\.weight, so it is/,
    );
    expect(await refusal({}, tensors([0, 1], ['q_proj', 'v_proj', 'o_proj']))).toMatch(
      /o_proj\.lora_A\.weight, but target_modules in adapter_config\.json has no o_proj; take both/,
    );
  });
});

describe('a regular expression in target_modules or exclude_modules', () => {
  it.each<[Json, RegExp]>([
    // peft matches the whole name of a module.
    [
      { target_modules: 'q_proj|v_proj' },
      /has factors for model\.layers\.0\.self_attn\.q_proj, which/,
    ],
    [{ target_modules: '.*q_proj' }, /has factors for model\.layers\.0\.self_attn\.v_proj, which/],
    [
      { target_modules: '.*layers\\.1\\..*' },
      /has factors for model\.layers\.0\.self_attn\.q_proj/,
    ],
    [{ exclude_modules: '.*\\.0\\..*' }, /has factors for model\.layers\.0\.self_attn\.q_proj/],
    [
      { target_modules: '.*_proj', layers_to_transform: [1] },
      /layers_to_transform has no meaning when target_modules is a text; remove one/,
    ],
    [
      { target_modules: '(?<=a|bc)(?P>x)' },
      /target_modules is the regular expression "\(\?<=a\|bc\)\(\?P>x\)", which cannot be read here; write a list/,
    ],
  ])('%j is refused where the file has other factors', async (json, sentence) => {
    expect(await refusal(json)).toMatch(sentence);
  });

  it('whose modules the file does not all have is refused', async () => {
    const some = new Map([...tensors([0, 1])].filter(([name]) => !/1\.self_attn\.v/.test(name)));
    expect(await refusal({ target_modules: '.*(q|v|qkv)_proj' }, some)).toMatch(
      /has no factors for model\.layers\.1\.self_attn\.v_proj/,
    );
    expect(await refusal({ exclude_modules: ['o_proj'] }, some)).toMatch(
      /has no factors for model\.layers\.1\.self_attn\.v_proj/,
    );
  });

  it('may be made for the longer names of the file', async () => {
    const longer = renamed((name) => name.replace('model.model.', 'model.model.language_model.'));
    const target_modules = 'language_model\\.model\\..*\\.(q|v)_proj';
    expect((await open({ target_modules }, longer)).sort()).toEqual(names);
  });

  it('"all-linear" in capitals is all projections', async () => {
    const config = await readAdapterConfig(folder({ target_modules: 'All-Linear' }));
    expect(config!.targets).toEqual([...PROJECTIONS]);
  });
});

describe('the tensors of an adapter', () => {
  it.each<[string, (name: string) => string]>([
    ["with the adapter's name", (name) => name.replace(/lora_([AB])\./, 'lora_$1.default.')],
    ['with the prefix twice', (name) => `base_model.model.${name}`],
    ['without a prefix', (name) => name.replace('base_model.model.', '')],
    ['of a compiled model', (name) => name.replace('model.model.', 'model._orig_mod.model.')],
    ['of data parallelism', (name) => `module.${name}`],
    ['of compiled layers', (name) => name.replace('.self_attn', '._orig_mod.self_attn')],
  ])('%s', async (_, rename) => {
    expect((await open({}, renamed(rename))).sort()).toEqual(names);
  });

  const extra = (name: string, ...shape: number[]): Tensors =>
    new Map([...tensors(), [name, tensor(...shape)]]);
  const at = 'base_model.model.model.layers.0.self_attn.q_proj';

  it.each<[string, Tensors, string]>([
    [
      'empty ones',
      renamed((n) => n).set(`${at}.lora_A.weight`, tensor(0)),
      '(shape [0]), as DeepSp',
    ],
    ['biases', extra(`${at}.lora_B.bias`, 8), 'lora_B.bias, a trained bias (bias or lora_bias)'],
    ['trained biases', extra(`${at}.base_layer.bias`, 8), 'base_layer.bias, a trained bias'],
    ['DoRA', extra(`${at}.lora_magnitude_vector`, 8), 'lora_magnitude_vector, of DoRA'],
    [
      'the embedding',
      extra('base_model.model.model.embed_tokens.weight', 2, 2),
      'replaces a whole',
    ],
    [
      'tokens',
      extra('embed_tokens.token_adapter.trainable_tokens_delta', 1),
      'trainable_token_ind',
    ],
    ['unknown ones', extra('something', 1), 'a tensor something that is not a LoRA factor; save'],
    [
      'another rank',
      renamed((n) => n).set(`${at}.lora_A.weight`, tensor(3, model.hiddenSize)),
      'q_proj.lora_A.weight of rank 3, but adapter_config.json says r 2; take both files',
    ],
    [
      'two adapters',
      extra(`${at}.lora_A.other.weight`, 2, 2),
      'which are the same tensor of the mo',
    ],
  ])('%s are refused, and not as those of another base', async (_, weights, sentence) => {
    const message = await refusal({}, weights);
    expect(message).toContain(sentence);
    expect(message).not.toContain('another base');
  });

  it.each<[string, Tensors]>([
    ['more layers', extra(at.replace('.0.', '.7.') + '.lora_A.weight', 2, 2)],
    ['other widths', renamed((n) => n).set(`${at}.lora_A.weight`, tensor(2, 7))],
    ['other modules', extra('base_model.model.transformer.h.0.c_attn.lora_A.weight', 2, 2)],
  ])('%s are those of another base', async (_, weights) => {
    expect(await refusal({}, weights)).toMatch(/^a is an adapter for another base: .*; choose the/);
  });

  it('a score head under each name of peft', async () => {
    const head = 'base_model.model.score';
    for (const name of ['weight', 'modules_to_save.weight', 'modules_to_save.default.weight']) {
      const weights = new Map([...tensors(), [`${head}.${name}`, tensor(1, model.hiddenSize)]]);
      weights.set(`${head}.original_module.weight`, tensor(1, model.hiddenSize));
      const opened = await open({ task_type: 'SEQ_CLS', modules_to_save: ['score'] }, weights);
      expect(opened.sort()).toEqual([...names, 'base_model.model.score.weight'].sort());
    }
  });
});
