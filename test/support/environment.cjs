'use strict';
const { createRequire } = require('node:module');
const { isNativeError } = require('node:util/types');
const { TestEnvironment } = require('jest-environment-node');

/** When Strapi ends, it takes every listener off its process: without those of Jest's worker, that would end, too. */
const { removeAllListeners } = process;
const ownListeners = new Map(['SIGINT', 'SIGTERM'].map((name) => [name, process.listeners(name)]));
process.removeAllListeners = (...names) => {
  if (names.length > 0) return removeAllListeners.apply(process, names);
  for (const [name, own] of ownListeners) {
    for (const listener of process.listeners(name)) {
      if (!own.includes(listener)) process.removeListener(name, listener);
    }
  }
  return process;
};

/**
 * Jest's require() loads no ES module on Node 20, while Node's own does; and it reads all of Strapi anew for every suite. Such
 * packages are therefore handed over from Node's loader (see p-queue.cjs and strapi.cjs): the tests run the very code that
 * users run. Dates, errors and environment variables, which pass between them and a test, are then Node's own for both.
 */
module.exports = class extends TestEnvironment {
  #variables = { ...process.env };

  constructor(config, context) {
    super(config, context);
    this.global.requireNatively = createRequire(__filename);
    this.global.Date = Date;
    this.global.process.env = process.env;
    const { Error: ownError } = this.global;
    Object.defineProperty(ownError, Symbol.hasInstance, {
      value(value) {
        const isOwn = Function.prototype[Symbol.hasInstance].call(this, value);
        return isOwn || (this === ownError && isNativeError(value));
      },
    });
  }

  async teardown() {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, this.#variables);
    await super.teardown();
  }
};
