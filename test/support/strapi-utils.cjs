'use strict';
module.exports = globalThis.requireNatively('@strapi/utils');
