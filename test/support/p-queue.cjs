'use strict';
module.exports = globalThis.requireNatively('p-queue');
