'use strict';
module.exports = globalThis.requireNatively('@strapi/strapi');
