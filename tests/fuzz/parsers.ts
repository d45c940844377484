/**
 * Every reader of files that people bring, with seeds, and what holds of a value that it accepts. A
 * reader may refuse with an error of its own; any other error is a mistake.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeZip } from 'client-zip';
import fc from 'fast-check';
import { UsageError } from '../../src/cli/arguments.ts';
import { readRows, readRun } from '../../src/cli/run-files.ts';
import { importRun } from '../../src/app/runs/import-run.ts';
import { ImportError } from '../../src/app/runs/zip-entries.ts';
import { readAdapterConfig } from '../../src/model/adapter-config.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import { configToJson, parseConfig } from '../../src/model/config.ts';
import { CheckpointError } from '../../src/model/errors.ts';
import { weightFiles } from '../../src/model/files.ts';
import { layoutAdapter } from '../../src/model/lora.ts';
import { openAdapter } from '../../src/model/open-adapter.ts';
import { layoutParameters } from '../../src/model/parameters.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { tensorBytes } from '../../src/model/safetensors-header.ts';
import type { Streamed } from '../../src/model/stored-models.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import {
  readDemonstration,
  readLines,
  readPreference,
  readPromptRow,
  type Row,
} from '../../src/rl/data/rows.ts';
import { promptTurns } from '../../src/rl/data/conversation.ts';
import { PromptFileError, readPromptFile } from '../../src/rl/evaluation/prompt-files.ts';
import { parseRecipe, recipeYaml, RecipeError } from '../../src/rl/recipe/recipe.ts';
import { worldTokenizerFiles } from '../../src/rl/world/tokenizer-files.ts';
import { memoryFolder } from '../app/memory-folder.ts';
import { CONFIGS } from '../random-model.ts';
import { writeSafetensors, type Tensor } from '../safetensors.ts';
import { FOREIGN_PARSERS } from './foreign-parsers.ts';
import { changedBytes, changedJson, changedText } from './inputs.ts';
import { folder, ofJson, ofText, type Parser } from './parser.ts';

const OWN_ERRORS = [CheckpointError, RecipeError, PromptFileError, UsageError, ImportError];

export const isOwnError = (error: unknown): boolean =>
  OWN_ERRORS.some((own) => error instanceof own);

// --- Checkpoints

const tensor = (...shape: number[]): Tensor => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const weights = writeSafetensors(
  new Map([
    ['a', tensor(2, 3)],
    ['b.weight', tensor(4)],
  ]),
);
const halves = { dtype: 'F16', shape: [2], data_offsets: [0, 4] };

const withHeader = (header: string, dataBytes: number): Uint8Array<ArrayBuffer> => {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
};

const safetensors: Parser = {
  name: 'safetensors',
  weight: 1,
  inputs: fc.oneof(
    changedBytes([weights]),
    changedJson([{ __metadata__: { format: 'pt' }, x: halves }]).map((text) => withHeader(text, 4)),
    changedText([JSON.stringify({ x: halves })]).map((text) => withHeader(text, 4)),
  ),
  async read(input) {
    const bytes = input as Uint8Array<ArrayBuffer>;
    const file = await SafetensorsFile.open({
      path: 'm/model.safetensors',
      size: bytes.length,
      read: (start = 0, end = bytes.length) => Promise.resolve(bytes.slice(start, end)),
    });
    for (const [name, entry] of file.tensors) {
      const { start, end } = entry;
      if (start < 8 || end > bytes.length || end - start !== tensorBytes(entry)) {
        return `tensor ${name} lies at ${start} to ${end} of ${bytes.length}`;
      }
    }
    return undefined;
  },
};

const index = ofJson(
  'index',
  [{ metadata: { total_size: 8 }, weight_map: { a: 'x-1.safetensors', b: 'x-2.safetensors' } }],
  async (text) => {
    const files = {
      'model.safetensors.index.json': text,
      'x-1.safetensors': '1',
      'x-2.safetensors': '2',
    };
    const sources = await weightFiles(folder(files));
    return sources.every(({ path }) => /^m\/x-[12]\.safetensors$/.test(path))
      ? undefined
      : `opened ${sources.map(({ path }) => path).join()}`;
  },
);

const config = ofJson(
  'config.json',
  [
    ...Object.values(CONFIGS).map(configToJson),
    {
      ...configToJson(CONFIGS['llama, tied']!),
      rope_parameters: { rope_type: 'default', rope_theta: 1e4 },
    },
  ],
  async (text) => {
    const read = await readConfig(folder({ 'config.json': text }));
    layoutParameters(read);
    const again = parseConfig(
      JSON.parse(JSON.stringify(configToJson(read))) as object as never,
      'again',
    );
    return JSON.stringify(again) === JSON.stringify(read)
      ? undefined
      : 'is written otherwise than read';
  },
);

const base = CONFIGS['llama, tied']!;
const lora = { task: 'CAUSAL_LM', r: 2, alpha: 4, targets: ['q_proj', 'v_proj'] } as const;
const factors = writeSafetensors(
  new Map(
    [...layoutAdapter(base, lora).parameters].map(([name, { shape }]) => [name, tensor(...shape)]),
  ),
);
const adapterConfig = {
  ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', base_model_name_or_path: 'base', r: 2 },
  ...{ lora_alpha: 4, lora_dropout: 0, target_modules: ['q_proj', 'v_proj'], bias: 'none' },
  ...{ rank_pattern: {}, alpha_pattern: {}, modules_to_save: null, layers_to_transform: null },
  ...{ init_lora_weights: true, use_dora: false, use_rslora: false, exclude_modules: null },
};
const adapter = ofJson(
  'adapter_config.json',
  [adapterConfig, { ...adapterConfig, layers_to_transform: [0, 1], target_modules: '.*[qv]_proj' }],
  async (text) => {
    const files = { 'adapter_config.json': text, 'adapter_model.safetensors': factors };
    const read = await readAdapterConfig(folder(files));
    if (!read) return 'there is no adapter';
    await openAdapter(folder(files), read, layoutAdapter(base, read));
    return Number.isSafeInteger(read.r) && Number.isFinite(read.alpha) ? undefined : 'r or alpha';
  },
);

const bpe = {
  added_tokens: [{ id: 4, content: '<eos>', special: true }],
  normalizer: { type: 'NFC' },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, Ġ: 3 }, merges: ['a b'] },
};
const tokenizer = ofJson(
  'tokenizer.json',
  [bpe, worldTokenizerFiles()['tokenizer.json']],
  async (text) => {
    const files = { 'tokenizer.json': text, 'tokenizer_config.json': '{"eos_token": "<eos>"}' };
    const read = await Tokenizer.load(folder(files));
    const ids = read.encode('a ab<eos> hello');
    read.decode(ids);
    read.checkFits(2 ** 24);
    return ids.every((id) => Number.isSafeInteger(id) && id >= 0) ? undefined : `ids ${ids.join()}`;
  },
  0.25,
);

// --- Recipes and data

const RECIPE = `# a recipe
model_name_or_path: policy
reward_model_name_or_path: judge
datasets:
  - path: json
    data_files: [a.jsonl]
max_steps: 10
learning_rate: 1e-4
scale_rewards: false
lora_target_modules: [q_proj, v_proj]
reward_funcs: rules/a.js
reward_weights: [1, 0.5]
system_prompt: |
  Be brief: always.
bf16: true
`;
const recipe = ofText(
  'recipe',
  [RECIPE, RECIPE.replace('max_steps', 'algorithm: dpo\nmax_steps')],
  (text) => {
    const { recipe: read } = parseRecipe(text, 'r.yaml');
    const again = parseRecipe(recipeYaml(read), 'again').recipe;
    const same = JSON.stringify(again) === JSON.stringify(read);
    return Promise.resolve(same ? undefined : 'is written otherwise than read');
  },
  0.3,
);

const turns = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: [{ type: 'text', text: 'Tea?' }] },
  { role: 'assistant', content: 'Yes.', tool_calls: null },
];
const ROWS = [
  { prompt: 'Tea?', completion: 'Yes.', answer: 4 },
  { prompt: turns.slice(0, 2), chosen: 'Yes.', rejected: 'No.', margin: 0.5 },
  { prompt: 'Tea?', responses: ['Yes.', 'No.', 'x'], pairs: [[0, 1]] },
  { prompt: 'Tea?', responses: ['Yes.', 'No.'], rewards: [1, -1] },
  { chosen: turns, rejected: [...turns.slice(0, 2), { role: 'assistant', content: 'No.' }] },
  { messages: turns },
  {
    conversations: [
      { from: 'human', value: 'Tea?' },
      { from: 'gpt', value: 'Yes.' },
    ],
  },
];
const demonstrated = (row: Row) => readDemonstration(row, true);
const isText = (value: unknown): boolean => typeof value === 'string';
const rows = ofJson('rows', ROWS, (text) => {
  const problems = [readPromptRow, readPreference, demonstrated].map(
    (reader) => readLines<unknown>(text, reader).find(({ problem }) => problem)?.problem,
  );
  // As a run does.
  if (problems.every((problem) => problem !== undefined)) throw new RecipeError(problems[0]);
  for (const { row } of readLines(text, readPromptRow)) {
    if (row && (!isText(row.prompt) || promptTurns(row.prompt).at(-1)!.role !== 'user')) {
      return Promise.resolve('a prompt');
    }
  }
  for (const { row } of readLines(text, demonstrated)) {
    if (row && (!isText(row.prompt) || !isText(row.completion)))
      return Promise.resolve('a completion');
  }
  for (const { row } of readLines(text, readPreference)) {
    const isIndex = (i: number): boolean => row!.responses[i] !== undefined;
    if (row && !row.pairs.every(([a, b]) => isIndex(a) && isIndex(b) && a !== b)) {
      return Promise.resolve('a pair');
    }
    if (row && (!row.responses.every(isText) || !Number.isFinite(row.margin ?? 0))) {
      return Promise.resolve('a response or a margin');
    }
  }
  return Promise.resolve(undefined);
});

const promptFile = ofJson(
  'prompt file',
  [
    [{ instruction: 'Tea?' }],
    { prompt: 'Tea?', answers: ['yes', 4] },
    { prompt: 'Tea?', instruction_id_list: ['a:b'], kwargs: [{ n: 1 }] },
    { turns: [{ content: 'Tea?' }] },
    { conversation_input: turns.slice(1, 2) },
  ],
  (text) => {
    const read = readPromptFile(text, 'p.jsonl');
    return Promise.resolve(
      read.rows.every(({ prompt }) => isText(prompt)) ? undefined : 'a prompt',
    );
  },
);

// --- Runs

const scratch = mkdtempSync(join(tmpdir(), 'ponder-fuzz-'));
writeFileSync(join(scratch, 'recipe.yaml'), RECIPE);
const METRICS = [1, 2].map((step) => JSON.stringify({ step, reward: step / 2, loss: 0.1 }));
const metrics = ofText('metrics.jsonl', [`${METRICS.join('\n')}\n`], async (text) => {
  writeFileSync(join(scratch, 'metrics.jsonl'), text);
  const { metrics: read } = await readRun(scratch);
  return read.every(({ step }) => typeof step === 'number') ? undefined : 'a step';
});

const EVALUATED = { prompt: 'Tea?', thought: null, response: 'Yes.', rewards: { a: 1 } };
const evaluated = ofJson('judged rows', [EVALUATED], async (text) => {
  const file = join(scratch, 'rows.jsonl');
  writeFileSync(file, `${text}\n`);
  const read = await readRows(file);
  return read.every(({ response }) => isText(response)) ? undefined : 'a response';
});

const zipped = new Uint8Array(
  await new Response(
    makeZip([
      { name: 'run/recipe.yaml', input: RECIPE },
      { name: 'run/metrics.jsonl', input: METRICS.join('\n') },
      { name: 'run/run.json', input: '{"name": "x"}' },
      { name: 'run/data/a.jsonl', input: '{"prompt": "a"}' },
      { name: 'run/checkpoints/step-1/trainer_state.json', input: '{}' },
    ]),
  ).arrayBuffer(),
);
const zip: Parser = {
  name: 'zip of a run',
  weight: 0.1,
  inputs: changedBytes([zipped]),
  async read(input) {
    const data = new Map<string, string>();
    const shelf = {
      read: (name: string) => Promise.resolve(data.get(name)),
      write: (name: string, text: string) => Promise.resolve(void data.set(name, text)),
      remove: (name: string) => Promise.resolve(void data.delete(name)),
      modelFiles: () => Promise.resolve(undefined),
      async storeModel(_: string, files: ReadonlyMap<string, Streamed>) {
        // A store reads every file to its end.
        for (const file of files.values()) await file.stream().pipeTo(new WritableStream());
      },
      removeModel: () => Promise.resolve(),
    };
    const runs = memoryFolder();
    const blob = new Blob([input]);
    try {
      await importRun(runs, 'run-1', blob, shelf);
    } catch (error) {
      const kept = [...runs.files.keys(), ...data.keys()];
      if (kept.length > 0) return `kept ${kept.join()} of a run that it refused`;
      throw error;
    }
    const outside = [...runs.files.keys()].find(
      (path) => !path.startsWith('run-1/') || path.includes('..'),
    );
    return outside === undefined ? undefined : `wrote ${outside}`;
  },
};

export const PARSERS: readonly Parser[] = [
  ...[safetensors, index, config, adapter, tokenizer],
  ...[recipe, rows, promptFile, metrics, evaluated, zip],
  ...FOREIGN_PARSERS,
];
