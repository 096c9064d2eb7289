import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import typescriptEslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores([
    'dist',
    'examples',
    'docs/.vitepress',
    'coverage',
    'sample/model',
    'test/app/.*',
    'test/app/build',
  ]),
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [typescriptEslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Settling work in order, one after the other, is meant where it is written.
      'no-await-in-loop': 'off',
    },
  },
  {
    files: ['admin/**/*.{ts,tsx}', 'plugin/src/contracts/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier",
          message: 'Write `import * as z`: the panel then carries what it uses of zod alone.',
        },
      ],
    },
  },
  {
    files: ['**/contract.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'FunctionDeclaration, ClassDeclaration, VariableDeclarator > ArrowFunctionExpression',
          message: 'A contract holds types and constants only: move this to its own file.',
        },
      ],
    },
  },
  {
    files: ['admin/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat.recommended],
    // It speaks to those who use React's compiler.
    rules: { 'react-hooks/incompatible-library': 'off' },
  },
  {
    files: ['server/**/*.ts', 'test/**/*.ts', 'sample/**/*.ts'],
    rules: {
      // Strapi hands out untyped services and rows; they are parsed or cast where they enter.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
  {
    files: ['**/*.cjs', '**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        __dirname: 'readonly',
        __filename: 'readonly',
        console: 'readonly',
        globalThis: 'readonly',
        module: 'writable',
        process: 'readonly',
        require: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
);
