/**
 * What lies under the paths of a recipe, as a hash for each key: a run that goes on later can tell whether
 * its models, data and rules are still the same, wherever they are by then.
 */
import { CheckpointError } from '../../model/errors.ts';
import { weightFiles, type CheckpointFolder, type FileSource } from '../../model/files.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { tokenizerFiles } from '../../model/tokenizer.ts';
import type { Recipe } from '../../rl/recipe/recipe.ts';
import { sha256, sha256OfText } from '../../rl/runs/file-mark.ts';
import { openIn, type Surroundings } from './surroundings.ts';

/** What cannot be read has no hash; the reason is told by whoever opens it for training. */
export async function inputsOf(
  recipe: Recipe,
  around: Pick<Surroundings, 'folder' | 'baseFolder' | 'readFile'>,
): Promise<Record<string, string>> {
  const files = async (paths: readonly string[]): Promise<string | undefined> => {
    if (paths.length === 0) return undefined;
    const texts = await Promise.all(paths.map((path) => around.readFile(path)));
    return sha256OfText((await Promise.all(texts.map(sha256OfText))).join());
  };
  const model = async (path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    const { base, adapter } = await openIn(around, await around.folder(path));
    const parts = [await folderHash(base), adapter && (await folderHash(adapter.folder))];
    return sha256OfText(parts.join());
  };
  const rows = recipe.datasets.filter(({ split }) => split === 'train');
  const hashes = {
    model_name_or_path: model(recipe.model_name_or_path),
    datasets: files(rows.flatMap(({ data_files }) => data_files)),
    reward_model_name_or_path: model(recipe.reward_model_name_or_path),
    judge_model_name_or_path: model(recipe.judge_model_name_or_path),
    reward_funcs: files(recipe.reward_funcs),
  };
  const found = await Promise.all(
    Object.entries(hashes).map(async ([key, hash]) => [key, await hash.catch(() => undefined)]),
  );
  return Object.fromEntries(found.filter(([, hash]) => hash !== undefined)) as Record<
    string,
    string
  >;
}

/** Of large weights a sample is hashed: another checkpoint of a model differs in nearly every number. */
const SAMPLES = 64;
const SAMPLE_BYTES = 2 ** 14;

async function folderHash(folder: CheckpointFolder): Promise<string> {
  const parts = [...(await tokenizerFiles(folder))].map(
    ([name, bytes]) => [name, sha256(bytes)] as const,
  );
  const weights = await weightFiles(folder).catch((error: unknown) => {
    // An adapter has none, nor has a model that starts from random numbers.
    if (error instanceof CheckpointError) return [];
    throw error;
  });
  const named = await Promise.all(
    ['config.json', ADAPTER_CONFIG, ADAPTER_WEIGHTS].map((name) => folder.open(name)),
  );
  for (const source of [...named, ...weights]) {
    // An adapter's only safetensors file is among both.
    if (source) parts.push([source.path.replace(/^.*[/\\]/, ''), sampleHash(source)]);
  }
  const hashes = await Promise.all(parts.map(async ([name, hash]) => `${name} ${await hash}`));
  return sha256OfText([...new Set(hashes)].sort().join('\n'));
}

async function sampleHash(source: FileSource): Promise<string> {
  const { size } = source;
  if (size <= SAMPLES * SAMPLE_BYTES) return sha256(await source.read());
  const starts = Array.from({ length: SAMPLES }, (_, i) =>
    Math.floor((i * (size - SAMPLE_BYTES)) / (SAMPLES - 1)),
  );
  const pieces = await Promise.all(starts.map((at) => source.read(at, at + SAMPLE_BYTES)));
  return `${size} ${await sha256(new Uint8Array(await new Blob(pieces).arrayBuffer()))}`;
}
