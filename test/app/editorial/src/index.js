'use strict';
module.exports = {
  register({ strapi }) {
    strapi.customFields.register({ name: 'swatch', type: 'richtext' });
  },
};
