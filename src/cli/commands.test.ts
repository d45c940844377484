import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runCommand } from './commands.ts';
import { exporting } from './export.ts';

it('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await runCommand(['--version'])).toBe(`${version}\n`);
  expect(JSON.parse(await runCommand(['--version', '--json']))).toEqual({ version });
});

it('help is also a command', async () => {
  const overview = await runCommand([]);
  expect(overview).toMatch(/^Ponder trains/);
  expect(await runCommand(['help'])).toBe(overview);
  expect(await runCommand(['--help'])).toBe(overview);
  expect(await runCommand(['help', 'export'])).toBe(exporting.help);
  expect(await runCommand(['export', '--help'])).toBe(exporting.help);
});

it('the help of export names the other frameworks at once, and the required options', () => {
  expect(exporting.help.split('\n')[0]).toMatch(/TRL, verl or OpenRLHF\.$/);
  expect(exporting.help).toMatch(/^ {2}--out .* \(required\)$/m);
  expect(exporting.help).not.toMatch(/^ {2}--base .*\(required\)$/m);
});

it.each([
  ['trian', 'there is no command trian; did you mean train? --help lists the commands'],
  ['zzzzzzz', 'there is no command zzzzzzz; --help lists the commands'],
])('an unknown command %s is refused', async (name, message) => {
  await expect(runCommand([name])).rejects.toThrow(message);
});

it('record has no file of its own to write to', async () => {
  await expect(runCommand(['record', 'runs/none'])).rejects.toThrow('record needs --out');
});
