'use strict';
const { readSecrets } = require('../data-folder');

module.exports = ({ env }) => {
  const secrets = readSecrets(env);
  return {
    ai: { enabled: false },
    apiToken: { salt: secrets.apiTokenSalt },
    auth: { secret: secrets.adminJwtSecret },
    autoOpen: false,
    flags: { nps: false, promoteEE: false },
    // A test starts several apps in a row and logs in to each.
    rateLimit: { enabled: false },
    secrets: { encryptionKey: secrets.encryptionKey },
    transfer: { token: { salt: secrets.transferTokenSalt } },
  };
};
