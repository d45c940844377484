import { expect, it } from 'vitest';
import { Template } from './template.ts';

const render = (source: string): string =>
  new Template(source).render({ messages: [{ content: 'hello' }] });
const grow = (start: string, more: string): string =>
  `{% set ns = namespace(a=${start}) %}{% for i in range(60) %}{% set ns.a = ${more} %}{% endfor %}x`;

it.each([
  ['a list that is too long', '{{ range(1000000000) }}'],
  ['a list that counts down', '{{ range(0, -1000000000, -1) }}'],
  [
    'a loop in a loop',
    '{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}',
  ],
  ['a list repeated too often', '{{ [1] * 1000000000 }}'],
  ['a text repeated too often', '{{ "ab" * 200000000 }}'],
  ['a text that doubles', grow('"ab"', 'ns.a ~ ns.a')],
  ['a number that is squared', grow('3', 'ns.a * ns.a')],
  ['a power of a power', '{{ 10 ** 4000 ** 4000 }}'],
  ['a power that is too large', '{{ 2 ** 1000000000 }}'],
  ['a list that doubles', grow('[1]', 'ns.a + ns.a')],
])('refuses %s', (_, source) => {
  expect(() => render(source)).toThrow(
    /too many steps|too long texts or lists|text is too long|Range too big|number is too large|power is too large/,
  );
});

it('reads no number of more digits than Python does', () => {
  const long = '9'.repeat(4301);
  expect(render(`{{ "${long}" | int(7) }}`)).toBe('7');
  expect(render(`{{ "-${long.slice(1)}" | int(7) }}`)).toBe(`-${long.slice(1)}`);
  expect(() => render(`{{ ${long} }}`)).toThrow('more than 4300 digits');
  expect(render('{{ (-1) ** 99999 }}{{ 0 ** 99999 }}{{ (-2) ** 3 }}')).toBe('-10-8');
});

it('leaves other templates alone, and counts each rendering anew', () => {
  const long = '{% for i in range(5000) %}{{ messages[0].content }}{% endfor %}';
  for (let i = 0; i < 5; i++) expect(render(long)).toBe('hello'.repeat(5000));
  expect(render('{{ range(3) | list }}{{ range(3, 1, -1) | list }}{{ range(-5) | list }}')).toBe(
    '[0, 1, 2][3, 2][]',
  );
  expect(() => render('{{ range(1, 2, 0) }}')).toThrow('must not be zero');
});
