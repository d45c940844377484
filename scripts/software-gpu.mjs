// The environment with a Vulkan driver for Dawn on a machine without one: SwiftShader from the npm
// package @sparticuz/chromium, unpacked once into node_modules/.cache/ponder.
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { ensureInstalled, root } from './install.mjs';

const cache = join(root, 'node_modules', '.cache', 'ponder');

/** The folder of the package's archives. */
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
  // Another process may have been faster; its folder is used then.
  await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }));
  return folder;
}

/** Environment variables with which the Vulkan loader finds only SwiftShader. */
export async function softwareGpuEnv() {
  const folder = await unpackChromiumArchive('swiftshader');
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}

/** Environment variables for a process that opens a GPU; none if there is a graphics card. */
export async function gpuEnv() {
  const chosenByUser = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  return chosenByUser || (await hasHardwareAdapter()) ? {} : softwareGpuEnv();
}

/** Asks in another process, because a Vulkan loader that found no driver does not look again. */
async function hasHardwareAdapter() {
  await ensureInstalled('src/cli');
  const ask = `
    import { create } from 'webgpu';
    const adapter = await create([]).requestAdapter();
    process.exit(adapter && !adapter.info.isFallbackAdapter ? 0 : 1);`;
  const args = ['--input-type=module', '--eval', ask];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'ignore' }).status === 0;
}
