import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/**', 'node_modules/**', 'jest.config.js', 'src/protocol.ts'] },
  ...tseslint.configs.strict,
  {
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      // Lumino's tokens and React's components share their type's name on purpose.
      '@typescript-eslint/no-redeclare': 'off',
      '@typescript-eslint/no-namespace': 'off',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Text from outside is never parsed as HTML.' },
        { property: 'outerHTML', message: 'Text from outside is never parsed as HTML.' },
        { property: 'insertAdjacentHTML', message: 'Text from outside is never parsed as HTML.' }
      ],
      eqeqeq: 'error',
      'no-eval': 'error'
    }
  },
  { files: ['tests/**'], rules: { 'no-restricted-properties': 'off', '@typescript-eslint/no-dynamic-delete': 'off' } }
);
