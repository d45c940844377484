// Which way imports may go: `npm run check` refuses the others. See docs/architecture.md.

/** The layers, lowest first; ui and cli are both on top. */
const layers = ['gpu', 'model', 'rl', 'app', 'ui', 'cli'];

/** A layer knows those below it. */
const layerRules = layers.map((layer, i) => {
  const above = layer === 'ui' ? ['cli'] : layer === 'cli' ? ['ui'] : layers.slice(i + 1);
  return {
    name: `layer-${layer}`,
    comment: `src/${layer} must not import what stands above it.`,
    severity: 'error',
    from: { path: `^src/${layer}/` },
    to: { path: `^src/(${above.join('|')})/` },
  };
});

export default {
  forbidden: [
    ...layerRules,
    {
      name: 'no-circular-files',
      comment: 'Move what both files need into a third, below them.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circular-rooms',
      comment: 'Folders import one way, too, below the page.',
      scope: 'folder',
      severity: 'error',
      from: { path: '^src/(gpu|model|rl|app|cli)' },
      to: { circular: true, path: '^src/' },
    },
    {
      name: 'svelte-in-ui',
      comment: 'Only src/ui knows Svelte.',
      severity: 'error',
      from: { path: '^src/(gpu|model|rl|app|cli)/' },
      to: { path: 'node_modules/svelte/' },
    },
    {
      name: 'src-stands-alone',
      comment:
        'What ships does not import scripts or tests; the benchmark opens a browser by a script.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/bench[.]ts$' },
      to: { path: '^(scripts|tests)/' },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that leads nowhere would hide a rule that is broken.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // Imports of types count: they decide what can be read alone.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '[.]test[.]ts$' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.svelte', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
