import { lastCheckpoint } from '../../src/rl/runs/checkpoints.ts';
import type { RunFolder } from '../../src/rl/runs/run-folder.ts';

/** All files in a folder, with their bytes as text. */
export async function filesIn(folder: RunFolder, path = ''): Promise<[string, string][]> {
  const source = path === '' ? undefined : await folder.open(path);
  if (source) return [[path, Buffer.from(await source.read()).toString('latin1')]];
  const names = await folder.list(path);
  const inside = names.map((name) => filesIn(folder, path === '' ? name : `${path}/${name}`));
  return (await Promise.all(inside)).flat();
}

/** All that a run wrote, with its last checkpoint. */
export async function written(folder: RunFolder): Promise<Record<string, string>> {
  const last = `checkpoints/step-${await lastCheckpoint(folder)}/`;
  const kept = (await filesIn(folder)).filter(
    ([path]) =>
      (!path.startsWith('checkpoints/') || path.startsWith(last)) && !path.endsWith('.partial'),
  );
  return Object.fromEntries(kept);
}
