'use strict';
const { default: Sequencer } = require('@jest/test-sequencer');

/** From the projects whose suites take longest to those that take least. */
const PROJECTS = ['long', 'e2e', 'integration', 'conformance', 'unit'];

/** Long suites start first: what runs last is short, so all workers end at about the same time. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => PROJECTS.indexOf(context.config.displayName.name);
    return super.sort([...tests]).sort((one, other) => rank(one) - rank(other));
  }
};
