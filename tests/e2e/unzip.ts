import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Unpacks a .zip whose entries are stored as they are; returns their paths. */
export async function unzip(file: string, into: string): Promise<string[]> {
  const bytes = await readFile(file);
  const paths: string[] = [];
  // The end of central directory record has no comment here, so it is the last 22 bytes.
  const end = bytes.length - 22;
  if (bytes.readUInt32LE(end) !== 0x06054b50) throw new Error(`${file} is no .zip`);
  let at = bytes.readUInt32LE(end + 16);
  for (let entry = bytes.readUInt16LE(end + 10); entry > 0; entry--) {
    const size = bytes.readUInt32LE(at + 24);
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const path = bytes.toString('utf8', at + 46, at + 46 + name!);
    if (bytes.readUInt16LE(at + 10) !== 0) throw new Error(`${path} is compressed`);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    await mkdir(dirname(join(into, path)), { recursive: true });
    await writeFile(join(into, path), bytes.subarray(start, start + size));
    paths.push(path);
    at += 46 + name! + extra! + comment!;
  }
  return paths;
}
