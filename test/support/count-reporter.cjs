'use strict';

/** What a suite's name says when it is left out for want of a key, a server or a program. */
const REASON = /\((skipped: |.* is not set)/;

/** Ends a run with the names of what was left out and why, then one plain line of its real counts. */
module.exports = class {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTotalTests } = results;
    // A suite that could not even be loaded has no test to count.
    const failed = numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    if (numTotalTests === 0 && failed === 0) process.exitCode = 1;
    const leftOut = namesOfLeftOut(results);
    process.stderr.write('', () => {
      if (leftOut.length > 0) process.stdout.write(`\nLeft out:\n  ${leftOut.join('\n  ')}\n`);
      process.stdout.write(`\n${numPassedTests} passed, ${failed} failed${skipped}\n`);
    });
  }
};

function namesOfLeftOut({ testResults }) {
  const names = testResults
    .flatMap((file) => file.testResults)
    .filter(({ status }) => status === 'pending')
    .map(({ ancestorTitles, title }) =>
      [...ancestorTitles, title].find((name) => REASON.test(name)),
    )
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}
