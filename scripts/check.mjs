/** `node scripts/run.mjs check`: every check that is no test, one after the other; all run, the first failure counts. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const checks = ['format', 'lint', 'types', 'architecture', 'unused', 'readme', 'package'];

const failed = checks.filter((check) => {
  console.log(`\n> check:${check}`);
  const { status } = spawnSync('npm', ['run', '--silent', `check:${check}`], { stdio: 'inherit' });
  return status !== 0;
});

if (failed.length > 0) {
  console.error(`\nNot passed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
