/**
 * Readers of files whose contents are run: chat templates, the parts of a tokenizer, GGUF files;
 * and what other trainers wrote.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetRows } from '../../src/app/handover/back/parquet.ts';
import { parseTemplate, renderTemplate } from '../../src/model/chat-template.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import { CheckpointError } from '../../src/model/errors.ts';
import { blobSource } from '../../src/model/files.ts';
import { ggufFolder } from '../../src/model/gguf-folder.ts';
import { layoutParameters } from '../../src/model/parameters.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { changedBytes } from './inputs.ts';
import { folder, ofJson, ofText, type Parser } from './parser.ts';

const TEMPLATES = [
  `{%- for m in messages %}{{ '<|' + m['role'] + '|>' }}{% if m.content is string %}{{ m.content|trim }}
{%- else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
  `{% macro show(x, n=2) %}{{ x|upper }}{{ '%5.2f'|format(n) }}{% endmacro %}
{%- set ns = namespace(i=0, seen=[]) %}{% for k, v in messages[0].items() if k != 'x' %}
{%- set ns.i = ns.i + loop.index0 * 3 // 2 %}{{ show(k) ~ loop.last ~ ns.i }}{% endfor %}
{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join(', ') }}
{{ range(3)|list|tojson(indent=2) }}{{ 'a,b'.split(',')[::-1] }}{{ {'a': [1, 2.5, none]} }}`,
  `{% if not messages %}{{ raise_exception('none') }}{% endif %}{{ bos_token }}
{%- for x in 'abc' %}{% if loop.first %}{% continue %}{% endif %}{{ x * 3 }}{% break %}{% endfor %}
{{ strftime_now('%d %b %Y') }}{{ messages[-1].content[:3].title().replace('T', 'd') }}`,
];
const MESSAGES = [
  { role: 'user', content: 'Tea?' },
  { role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] },
];
const template = ofText(
  'chat template',
  TEMPLATES,
  (source) => {
    const path = 'm/chat_template.jinja';
    const parsed = parseTemplate(source, path);
    const variables = { messages: MESSAGES, add_generation_prompt: true, bos_token: '<s>' };
    const text = renderTemplate({ path, source, parsed }, variables);
    return Promise.resolve(typeof text === 'string' ? undefined : 'no text');
  },
  0.5,
);

const vocab = Object.fromEntries(
  ['<unk>', '▁', 'a', 'b', 'ab', '▁a', 'Ġ', '##b', '[UNK]', '<0x41>'].map((text, id) => [text, id]),
);
const split = (pattern: object, behavior = 'Isolated') => ({
  ...{ type: 'Split', pattern, behavior, invert: false },
});
const added = { single_word: false, lstrip: false, rstrip: true, normalized: false, special: true };
const bpe = { type: 'BPE', vocab, merges: ['a b', '▁ a'], unk_token: '<unk>' };
const TOKENIZERS = [
  {
    added_tokens: [{ id: 10, content: '<eos>', ...added }],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        { type: 'NFKC' },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      ...{ type: 'TemplateProcessing', pair: [] },
      single: [
        { SpecialToken: { id: '<eos>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
      ],
      special_tokens: { '<eos>': { id: '<eos>', ids: [10], tokens: ['<eos>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: { ...bpe, byte_fallback: true, fuse_unk: true },
  },
  {
    added_tokens: [{ id: 10, content: '<eos>', ...added, lstrip: true }],
    normalizer: { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        split({ Regex: "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+" }),
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
      ],
    },
    post_processor: { type: 'ByteLevel', trim_offsets: false },
    decoder: { type: 'ByteLevel' },
    model: { ...bpe, ignore_merges: true },
  },
];
const tokenizer = ofJson(
  'parts of a tokenizer',
  TOKENIZERS,
  async (text) => {
    const files = { 'tokenizer.json': text, 'tokenizer_config.json': '{"eos_token": "<eos>"}' };
    const read = await Tokenizer.load(folder(files));
    const long = 'a ab<eos>  hello 123 \n\n'.repeat(40) + 'a'.repeat(3000);
    const ids = read.encode(long);
    read.decode(ids);
    return ids.every((id) => Number.isSafeInteger(id) && id >= 0) ? undefined : 'ids';
  },
  0.3,
);

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/gguf.json'), 'utf8'),
) as { models: Record<string, { file: string }> };
const models = Object.values(golden.models).map(
  ({ file }) => new Uint8Array(Buffer.from(file, 'base64')),
);
/** Most of a file is weights; the first bytes are keys and places. */
const HEADER_BYTES = 1500;
const gguf: Parser = {
  name: 'GGUF',
  weight: 0.3,
  inputs: fc.oneof(
    changedBytes(models),
    changedBytes(models.map((bytes) => bytes.slice(0, HEADER_BYTES))).chain((head) =>
      fc.constantFrom(...models).map((bytes) => {
        const rest = bytes.subarray(HEADER_BYTES);
        const whole = new Uint8Array(head.length + rest.length);
        whole.set(head);
        whole.set(rest, head.length);
        return whole;
      }),
    ),
  ),
  async read(input) {
    const bytes = input as Uint8Array<ArrayBuffer>;
    const made = await ggufFolder(blobSource('m/x.gguf', new Blob([bytes])));
    layoutParameters(await readConfig(made));
    const weights = await SafetensorsFile.open((await made.open('model.safetensors'))!);
    const read = await Tokenizer.load(made);
    read.decode(read.encode('a ab hello'));
    return weights.tensors.size > 0 ? undefined : 'no tensors';
  },
};

const OUTPUTS = join(import.meta.dirname, '../handover/trl-output');
const completions = ['handed-over', 'conversations', 'adapter'].map(
  (run) =>
    new Uint8Array(readFileSync(join(OUTPUTS, run, 'completions/completions_00001.parquet'))),
);
const parquet: Parser = {
  name: 'parquet',
  weight: 0.3,
  inputs: changedBytes(completions),
  async read(input) {
    const bytes = input as Uint8Array<ArrayBuffer>;
    const rows = await parquetRows(blobSource('x.parquet', new Blob([bytes])));
    if (typeof rows === 'string') throw new CheckpointError(rows);
    return rows.every((row) => typeof row === 'object') ? undefined : 'rows';
  },
};

export const FOREIGN_PARSERS: readonly Parser[] = [template, tokenizer, gguf, parquet];
