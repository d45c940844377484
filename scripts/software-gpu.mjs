// The environment in which Dawn finds a Vulkan driver on a machine without one: SwiftShader, as the
// npm package @sparticuz/chromium carries it, unpacked once into node_modules/.cache/ponder.
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { ensureInstalled, root } from './install.mjs';

const cache = join(root, 'node_modules', '.cache', 'ponder');

/** Where the package keeps its archives. */
export const chromiumPackage = join(root, 'node_modules', '@sparticuz', 'chromium', 'bin');

/**
 * Unpacks one of the package's archives and returns its folder.
 * @param {'swiftshader' | 'al2023' | 'fonts'} name
 */
export async function unpackChromiumArchive(name) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  await ensureInstalled('scripts');
  const { default: tar } = await import('tar-fs');
  const archive = join(chromiumPackage, `${name}.tar.br`);
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  await pipeline(createReadStream(archive), createBrotliDecompress(), tar.extract(partial));
  // Another process may have won the race; its folder is as good.
  await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }));
  return folder;
}

/** Environment variables that make the Vulkan loader find SwiftShader and nothing else. */
export async function softwareGpuEnv() {
  const folder = await unpackChromiumArchive('swiftshader');
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}

/** What to add to the environment of a process that will open a GPU: nothing where there is one. */
export async function gpuEnv() {
  const chosenByUser = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  return chosenByUser || (await hasHardwareAdapter()) ? {} : softwareGpuEnv();
}

/** Asks in a process of its own: a Vulkan loader that found no driver does not look again. */
async function hasHardwareAdapter() {
  await ensureInstalled('src/cli');
  const ask = `
    import { create } from 'webgpu';
    const adapter = await create([]).requestAdapter();
    process.exit(adapter && !adapter.info.isFallbackAdapter ? 0 : 1);`;
  const args = ['--input-type=module', '--eval', ask];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'ignore' }).status === 0;
}
