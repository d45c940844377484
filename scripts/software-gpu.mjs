// The environment in which Dawn finds a Vulkan driver on a machine without one: SwiftShader, as the
// npm package @sparticuz/chromium carries it, unpacked once into node_modules/.cache/ponder.
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(root, 'node_modules', '.cache', 'ponder');

/** Unpacks one of the package's archives (swiftshader, al2023) and returns its folder. */
export async function unpackChromiumArchive(name) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  const { default: tar } = await import('tar-fs');
  const archive = join(root, 'node_modules', '@sparticuz', 'chromium', 'bin', `${name}.tar.br`);
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
