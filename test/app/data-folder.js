'use strict';
const { randomBytes } = require('node:crypto');
const { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const path = require('node:path');

/**
 * The only folder that an app writes to: database, uploads, vectors, secrets. Apps with different folders only share
 * the code and the built panel.
 */
function resolveDataFolder(env) {
  return path.resolve(__dirname, env('APP_DATA_FOLDER', '.data'));
}

/** Creates the folder on first use, with the subfolders that Strapi expects. */
function prepareDataFolder(env) {
  const dataFolder = resolveDataFolder(env);
  mkdirSync(path.join(dataFolder, 'public', 'uploads'), { recursive: true });
  return dataFolder;
}

/** Generated once per data folder, so sessions and tokens survive a restart. */
function readSecrets(env) {
  const secretsFile = path.join(prepareDataFolder(env), 'secrets.json');
  try {
    return JSON.parse(readFileSync(secretsFile, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  createSecretsFile(secretsFile);
  return JSON.parse(readFileSync(secretsFile, 'utf8'));
}

/** Writes a temporary file and links it into place, so two processes that start together read the same secrets. */
function createSecretsFile(secretsFile) {
  const secret = () => randomBytes(24).toString('base64');
  const secrets = {
    appKeys: [secret(), secret()],
    adminJwtSecret: secret(),
    apiTokenSalt: secret(),
    transferTokenSalt: secret(),
    encryptionKey: randomBytes(32).toString('hex'),
    userJwtSecret: secret(),
  };
  const ownFile = `${secretsFile}.${process.pid}`;
  writeFileSync(ownFile, JSON.stringify(secrets), { mode: 0o600 });
  try {
    linkSync(ownFile, secretsFile);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(ownFile);
  }
}

module.exports = { prepareDataFolder, readSecrets };
