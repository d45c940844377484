/**
 * A GGUF file as a Hugging Face folder: config.json, the tokenizer's files and model.safetensors are made
 * from what is in it, so that everything else works as with a folder.
 */
import { blobSource, type CheckpointFolder, type FileSource } from './files.ts';
import { ggufModel } from './gguf-config.ts';
import { readGgufHeader } from './gguf-header.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';
import { ggufWeights } from './gguf-weights.ts';

/** @throws CheckpointError when the file is broken, or what it holds is not supported */
export async function ggufFolder(file: FileSource): Promise<CheckpointFolder> {
  const header = await readGgufHeader(file);
  const { config, tensors } = await ggufModel(header, file);
  const { tokenizer, config: tokenizerConfig, ids, template } = ggufTokenizer(header, file.path);
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const texts = new Map<string, () => string>([
    [
      'config.json',
      () =>
        json({
          ...config,
          ...{ bos_token_id: ids.bos ?? null, pad_token_id: ids.pad ?? null },
          eos_token_id: ids.eos.length > 1 ? ids.eos : (ids.eos[0] ?? null),
        }),
    ],
    ['tokenizer.json', () => JSON.stringify(tokenizer)],
    ['tokenizer_config.json', () => json(tokenizerConfig)],
    ...(template === undefined ? [] : ([['chat_template.jinja', () => template]] as const)),
  ]);
  const weights = 'model.safetensors';
  return {
    name: file.path,
    open(name) {
      const text = texts.get(name);
      if (text) return Promise.resolve(blobSource(`${file.path}/${name}`, new Blob([text()])));
      if (name !== weights) return Promise.resolve(undefined);
      return Promise.resolve(ggufWeights(file, tensors, false));
    },
    list: () => Promise.resolve([...texts.keys(), weights]),
    quantised: () => ggufWeights(file, tensors, true),
  };
}

/** A folder that has a single GGUF file and no config.json is that file; any other is as it was. */
export async function orGguf(folder: CheckpointFolder): Promise<CheckpointFolder> {
  const names = (await folder.list?.()) ?? [];
  const files = names.filter((name) => name.endsWith('.gguf'));
  if (files.length !== 1 || names.includes('config.json')) return folder;
  const source = await folder.open(files[0]!);
  return source ? ggufFolder(source) : folder;
}
