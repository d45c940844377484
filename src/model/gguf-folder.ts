/**
 * A GGUF model as a Hugging Face folder: config.json, the tokenizer's files and model.safetensors are made
 * from what is in it, so that everything else works as with a folder.
 */
import { blobSource, type CheckpointFolder, type FileSource } from './files.ts';
import { ggufModel } from './gguf-config.ts';
import { openGgufParts, partNames, readGgufParts } from './gguf-parts.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';
import { ggufWeights } from './gguf-weights.ts';

/**
 * @param parts the file, or all parts of a model in their order
 * @throws CheckpointError when a file is broken, or what it holds is not supported
 */
export async function ggufFolder(
  ...parts: [FileSource, ...FileSource[]]
): Promise<CheckpointFolder> {
  const [{ path }] = parts;
  const header = await readGgufParts(parts);
  const { config, tensors } = await ggufModel(header, path);
  const { tokenizer, config: tokenizerConfig, ids, template } = ggufTokenizer(header, path);
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
    name: path,
    open(name) {
      const text = texts.get(name);
      if (text) return Promise.resolve(blobSource(`${path}/${name}`, new Blob([text()])));
      if (name !== weights) return Promise.resolve(undefined);
      return Promise.resolve(ggufWeights(path, tensors, false));
    },
    list: () => Promise.resolve([...texts.keys(), weights]),
    quantised: () => ggufWeights(path, tensors, true),
  };
}

/** Opens a GGUF file with the parts that its name tells of. */
export const openGgufFolder = async (
  folder: Pick<CheckpointFolder, 'name' | 'open'>,
  file: string,
): Promise<CheckpointFolder> => ggufFolder(...(await openGgufParts(folder, file)));

/** A folder that has a single GGUF model and no config.json is that model; any other is as it was. */
export async function orGguf(folder: CheckpointFolder): Promise<CheckpointFolder> {
  const names = (await folder.list?.()) ?? [];
  const files = names.filter((name) => name.endsWith('.gguf'));
  const [first] = files;
  if (first === undefined || names.includes('config.json')) return folder;
  const parts = new Set(partNames(first));
  return files.every((file) => parts.has(file)) ? openGgufFolder(folder, first) : folder;
}
