'use strict';
const { createRequire } = require('node:module');
const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest's require() loads no ES module on Node 20, while Node's own does. Packages that ship as ES modules only are
 * therefore handed over from Node's loader (see p-queue.cjs): the tests run the very code that users run.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.requireNatively = createRequire(__filename);
  }
};
