import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { refuseIfFull } from './room.ts';

it('what does not fit on the disk is refused before it is written', async () => {
  await expect(refuseIfFull(tmpdir(), 1e18, 'free some space')).rejects.toThrow(
    /will take about 1000000000 GB, and its disk has .* free; free some space$/,
  );
  await expect(refuseIfFull(tmpdir(), 1, 'free some space')).resolves.toBeUndefined();
});
