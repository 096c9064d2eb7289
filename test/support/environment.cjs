'use strict';
const { createRequire } = require('node:module');
const { isNativeError } = require('node:util/types');
const { TestEnvironment } = require('jest-environment-node');

/** When Strapi stops, it removes every listener from its process. Without its own listeners, Jest's worker would exit, too. */
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

/** Test apps on SQLite, in this process or another, don't wait for the disk at each write. */
process.env.APP_SQLITE_SYNCHRONOUS = 'OFF';

/**
 * For suites that boot a Strapi. Jest's require() would load all of Strapi again for every suite, so Strapi comes from Node's
 * own loader (see strapi.cjs). Dates, errors and environment variables, which pass between Strapi and a test, are then Node's
 * own on both sides.
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
