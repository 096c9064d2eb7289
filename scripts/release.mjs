/**
 * `node scripts/release.mjs v1.2.3`: prints what CHANGELOG.md says of a version; fails unless that is the package's version.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [tag = ''] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
if (tag !== `v${version}`) fail(`The tag is "${tag}", but package.json has version ${version}.`);

const sections = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m);
const section = sections.find((text) => text.startsWith(`[${version}]`));
if (!section) fail(`CHANGELOG.md has no section "## [${version}]".`);
console.log(section.slice(section.indexOf('\n') + 1).trim());

function fail(message) {
  console.error(message);
  process.exit(1);
}
