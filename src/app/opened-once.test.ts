import { expect, it } from 'vitest';
import { OpenedOnce } from './opened-once.ts';

it('opens once for each key, also while it is being opened', async () => {
  const models = new OpenedOnce<string>();
  let count = 0;
  const open = (path: string) =>
    models.open(path, () => Promise.resolve(`${path} ${(count += 1)}`));
  expect(await Promise.all([open('a'), open('a'), open('b')])).toEqual(['a 1', 'a 1', 'b 2']);
  expect(await models.take('a')).toBe('a 1');
  expect(models.take('a')).toBeUndefined();
  expect(await open('a')).toBe('a 3');
});

it('tries again what failed', async () => {
  const models = new OpenedOnce<string>();
  await expect(
    models.open('a', () => Promise.reject(new Error('a cannot be fetched; try again'))),
  ).rejects.toThrow('try again');
  expect(await models.open('a', () => Promise.resolve('there'))).toBe('there');
});
