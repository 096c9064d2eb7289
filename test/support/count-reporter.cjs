'use strict';

/** Ends a run with one plain line of its real counts. */
module.exports = class {
  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numTotalTests } = results;
    // A suite that could not even be loaded has no test to count.
    const failed = numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    if (numTotalTests === 0 && failed === 0) process.exitCode = 1;
    process.stderr.write('', () => {
      process.stdout.write(`\n${numPassedTests} passed, ${failed} failed${skipped}\n`);
    });
  }
};
