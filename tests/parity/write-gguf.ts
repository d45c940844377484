/**
 * Models as GGUF files, each with what Ponder writes greedily after a prompt, for check_gguf.py.
 *
 *   node --import ./scripts/typescript.mjs tests/parity/write-gguf.ts OUT [FOLDER ...]    by hand
 *
 * OUT/CASE.gguf, and OUT/cases.json: file, question, text, ids of the text, greedy: the ids that follow. The cases
 * are the tiny models of tests/gguf-models.ts with one question each, or the model folders that are named with 20.
 */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { loadModel } from '../../src/model/checkpoint.ts';
import { Decoder } from '../../src/model/decoder.ts';
import { blobSource, type CheckpointFolder } from '../../src/model/files.ts';
import { ggufFolder } from '../../src/model/gguf-folder.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { GGUF_CASES, ggufCase } from '../gguf-models.ts';

const COUNT = 24;
const QUESTIONS = [
  'What is the capital of France?',
  'Write a haiku about rain.',
  'Explain why the sky is blue, in two sentences.',
  'What is 17 times 23?',
  'Translate "Good morning, how are you?" into Spanish.',
  'Name three prime numbers larger than 50.',
  'Who wrote "Pride and Prejudice"?',
  'Give me a recipe for pancakes.',
  'What does the word "naïve" mean?',
  'Write a Python function that reverses a list.',
  'List the planets of the solar system.',
  'Why do cats purr?',
  'Summarize the plot of Hamlet in one sentence.',
  'What is the difference between a virus and a bacterium?',
  'Antworte auf Deutsch: Wie heißt die Hauptstadt von Österreich?',
  'Write an email that asks for a day off.',
  '请用中文介绍一下你自己。',
  'Is 91 a prime number? Explain.',
  'Tell me a joke about computers 🙂',
  'Continue: Once upon a time, there was a fox who',
];
const [out = '', ...folders] = process.argv.slice(2);
await mkdir(out, { recursive: true });
const gpu = await openNodeGpu();
const cases: Record<string, unknown>[] = [];

async function write(
  name: string,
  folder: CheckpointFolder,
  questions: readonly string[],
): Promise<void> {
  const file = `${name.replace(/\W+/g, '-')}.gguf`;
  const { pieces } = await openGguf({ base: folder, tokenizer: folder }, 'f16');
  const handle = await open(join(out, file), 'w');
  const parts: BlobPart[] = [];
  for await (const piece of pieces()) {
    await handle.write(piece);
    parts.push(piece);
  }
  await handle.close();
  const read = await ggufFolder(blobSource(file, new Blob(parts)));
  const tokenizer = await Tokenizer.load(folder);
  const model = await loadModel(gpu, read);
  const limits = { maxSequences: 1, maxPromptTokens: 128, maxNewTokens: COUNT };
  const decoder = await Decoder.create(model, limits);
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, seed: 1, maxNewTokens: COUNT };
  for (const question of questions) {
    const turns = [{ role: 'user', content: question }] as const;
    const text = tokenizer.applyChatTemplate(turns, { addGenerationPrompt: true });
    const ids = tokenizer.encode(text);
    const [group] = await decoder.generate([ids], 1, sampling, Uint32Array.of(0));
    cases.push({ file, question, text, ids, greedy: group![0]!.ids });
    console.log(file, question);
  }
  decoder.destroy();
  model.destroy();
}

if (folders.length === 0) {
  for (const name of GGUF_CASES) await write(name, ggufCase(name).folder, QUESTIONS.slice(0, 1));
}
for (const folder of folders) await write(basename(folder), await nodeFolder(folder), QUESTIONS);
await writeFile(join(out, 'cases.json'), JSON.stringify(cases));
gpu.close();
