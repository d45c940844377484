/**
 * A GGUF model in several files, as llama-gguf-split writes them: NAME-00001-of-00003.gguf and so on. The first
 * has the keys, and each has some of the tensors.
 */
import { CheckpointError } from './errors.ts';
import type { CheckpointFolder, FileSource } from './files.ts';
import { readGgufHeader, type GgufHeader } from './gguf-header.ts';

const PART = /^(.*)-\d{5}-of-(\d{5})\.gguf$/;

/** The names of all parts of the model that a file belongs to; the file's own name if it is the whole model. */
export function partNames(file: string): string[] {
  const [, name, count] = PART.exec(file) ?? [];
  if (name === undefined || count === undefined) return [file];
  return Array.from({ length: Number(count) }, (_, i) => {
    const number = String(i + 1).padStart(5, '0');
    return `${name}-${number}-of-${count}.gguf`;
  });
}

/**
 * The file, or all parts of its model in their order.
 * @param file name of one of them in the folder
 * @throws CheckpointError that names the parts that are not there
 */
export async function openGgufParts(
  folder: Pick<CheckpointFolder, 'name' | 'open'>,
  file: string,
): Promise<[FileSource, ...FileSource[]]> {
  const names = partNames(file);
  const parts: FileSource[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const part = await folder.open(name);
    if (part) parts.push(part);
    else missing.push(name);
  }
  const [first, ...more] = missing;
  if (first === undefined) return parts as [FileSource, ...FileSource[]];
  const named = more.length > 2 ? `${first} and ${more.length} more parts` : missing.join(', ');
  throw new CheckpointError(
    `${folder.name} has ${file}, a part of a model in ${names.length} files, but not ${named}; ` +
      'bring all parts together',
  );
}

/**
 * The keys of the first part, and the tensors of all.
 * @throws CheckpointError when the files are not the parts of one model in their order
 */
export async function readGgufParts(parts: readonly FileSource[]): Promise<GgufHeader> {
  const headers: GgufHeader[] = [];
  for (const [i, part] of parts.entries()) {
    const header = await readGgufHeader(part);
    const number = (header.values.get('split.no') ?? 0) as number;
    const count = (header.values.get('split.count') || 1) as number;
    if (number !== i || count !== parts.length) {
      throw new CheckpointError(
        `${part.path} is part ${number + 1} of ${count} of a model, and its name does not say so; ` +
          'give all parts the names that they were published with (NAME-00001-of-00003.gguf)',
      );
    }
    headers.push(header);
  }
  const tensors = headers.flatMap((header) => header.tensors);
  const names = new Set<string>();
  for (const { name, file } of tensors) {
    if (names.has(name)) {
      throw new CheckpointError(`${file.path} has tensor ${name} a second time; download it again`);
    }
    names.add(name);
  }
  return { values: headers[0]!.values, tensors };
}
