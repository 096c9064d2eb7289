/**
 * `node scripts/run.mjs check`: every check that is no test, two at a time, the longest first; all run, and each tells what it has
 * to say when it ends.
 */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import process from 'node:process';
import PQueue from 'p-queue';

const checks = ['lint', 'types', 'format', 'architecture', 'unused', 'docs', 'package'];
const AT_A_TIME = 2;

const queue = new PQueue({ concurrency: AT_A_TIME });
const results = await queue.addAll(checks.map((check) => () => run(check)));
const failed = checks.filter((_, index) => !results[index]);

if (failed.length > 0) {
  console.error(`\nNot passed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

async function run(check) {
  const child = spawn('npm', ['run', '--silent', `check:${check}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const [code, output, complaints] = await Promise.all([
    ended,
    buffer(child.stdout),
    buffer(child.stderr),
  ]);
  console.log(`\n> check:${check}`);
  process.stdout.write(output);
  process.stderr.write(complaints);
  return code === 0;
}
