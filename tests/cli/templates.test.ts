/** `info` and `preview` say which of several chat templates is used, and `info` why no text can be read. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inspectFolder } from '../../src/app/inspect.ts';
import { info } from '../../src/cli/info.ts';
import { preview } from '../../src/cli/preview.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { ggufCase } from '../gguf-models.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-templates-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A tiny model with the given text files beside its own. */
async function model(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  for (const [file, blob] of ggufCase('llama').files) {
    await writeFile(join(folder, file), new Uint8Array(await blob.arrayBuffer()));
  }
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

async function words(folder: string): Promise<Record<string, string>> {
  const recipe = join(root, 'recipe.yaml');
  await writeFile(
    recipe,
    `algorithm: grpo\nmodel_name_or_path: ${folder}\nreward_funcs: [recipes/rules/polite.js]\n` +
      'datasets: [{ path: json, data_files: recipes/smollm2/questions.jsonl, split: train }]\n',
  );
  return {
    info: await info.run(['--model', folder], false),
    preview: await preview.run([recipe], false),
  };
}

it('the file is used, and not those in the folder', async () => {
  const folder = await model('several', {
    'chat_template.jinja': '{{ messages[0].content }}',
    'additional_chat_templates/rag.jinja': 'rag',
  });
  const chosen =
    'chat_template.jinja; not used: default in tokenizer_config.json, those in additional_chat_templates';
  const { info: facts, preview: seen } = await words(folder);
  expect(facts).toMatch(new RegExp(`^chat template +${chosen}$`, 'm'));
  expect(seen).toMatch(new RegExp(`^The policy reads \\d+ tokens \\(chat template: ${chosen}\\):`));
  const inspected = await inspectFolder(await nodeFolder(folder), () => Promise.resolve(undefined));
  expect(inspected.template).toBe(chosen);
});

it('nothing is said of a single one', async () => {
  const { info: facts, preview: seen } = await words(await model('single', {}));
  expect(facts).not.toContain('chat template');
  expect(facts).not.toContain('tokenizer');
  expect(seen).not.toContain('chat template');
});

it('info tells why none can be used', async () => {
  const folder = await model('none', { 'additional_chat_templates/rag.jinja': 'rag' });
  const facts = await info.run(['--model', folder], false);
  expect(facts).toMatch(
    /^chat template +cannot be used: .* has chat templates in additional_chat_templates, and none/m,
  );
  expect(facts).not.toMatch(/^tokenizer/m);
});

it('info tells why the tokenizer cannot be used', async () => {
  const folder = await model('slow', { 'tokenizer.model': '' });
  await rm(join(folder, 'tokenizer.json'));
  expect(await info.run(['--model', folder], false)).toMatch(
    /^tokenizer +cannot be used: .*slow has tokenizer\.model, but no tokenizer\.json; make it in Python/m,
  );
  const foreign = await model('foreign', {});
  const file = join(foreign, 'config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as { vocab_size: number };
  await writeFile(file, JSON.stringify({ ...config, eos_token_id: config.vocab_size - 1 }));
  expect(await info.run(['--model', foreign], false)).toMatch(
    /^tokenizer +cannot be used: .*tokenizer\.json is for another model: it has no token/m,
  );
});
