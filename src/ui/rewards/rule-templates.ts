/** The rules of recipes/rules, to start from: name and text. */
const files = import.meta.glob<string>('../../../recipes/rules/*.js', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const RULE_TEMPLATES: readonly { name: string; source: string }[] = Object.entries(files)
  .map(([path, source]) => ({ name: path.replace(/^.*\/|\.js$/g, ''), source }))
  .sort((a, b) => a.name.localeCompare(b.name));

export const EMPTY_RULE = `// A higher number is a better response. The thought is not shown to a rule.
export default function (prompt, response) {
  return response.includes('.') ? 1 : 0;
}
`;
