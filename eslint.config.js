import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default defineConfig(
  globalIgnores(['dist', 'public', 'recipes', 'runs', 'results', 'src/cli/python/context.js']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.browser, ...globals.node },
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // noUncheckedIndexedAccess types every typed-array element as maybe undefined: `x[i]!` is how
      // numeric code stays readable.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // There are no enums here, and those of packages are numbers under isolatedModules.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
    },
  },
  {
    // A device that is opened in another way does not have the card's rates (src/gpu/tuning.ts): what is
    // measured or tried on it is not what trains.
    files: ['**/*.ts', '**/*.svelte'],
    ignores: ['src/app/open-gpu.ts', 'src/gpu/node.ts', 'src/gpu/device.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='Gpu'][callee.property.name='open']",
          message:
            'Open devices with openGpu (src/app/open-gpu.ts) or openNodeGpu (src/gpu/node.ts).',
        },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  // JSDoc says what JSON.parse returns, but cannot assert it.
  { files: ['**/*.mjs'], rules: { '@typescript-eslint/no-unsafe-assignment': 'off' } },
);
