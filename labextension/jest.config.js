module.exports = {
  testEnvironment: 'jsdom',
  setupFiles: ['<rootDir>/tests/browser.ts'],
  testMatch: ['<rootDir>/tests/**/*.spec.ts'],
  transform: {
    '^.+\\.(t|j)sx?$': ['ts-jest', { tsconfig: 'tests/tsconfig.json', diagnostics: false }]
  },
  // These ship as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!(marked|@jupyterlab|@lumino|lib0|y-protocols|@jupyter)/)']
};
