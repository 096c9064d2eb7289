import { describe, expect, it } from '@jest/globals';
import { mutedBy, OutageLog } from '../../plugin/src/logger';
import { createRecordingLogger } from '../support/recording-logger';

describe('a muted logger', () => {
  it('stays silent', () => {
    const logger = createRecordingLogger();
    const muting = new AbortController();
    const muted = mutedBy(muting.signal, logger);
    muted.info('before');
    muting.abort();
    muted.error('after');
    expect(logger.lines).toEqual([{ level: 'info', message: 'before' }]);
  });
});

describe('an outage log', () => {
  it('says an outage once until it is over', () => {
    const logger = createRecordingLogger();
    const outages = new OutageLog(logger);
    outages.report('no model', 'first');
    outages.report('no model', 'again');
    outages.recover();
    outages.report('no model', 'back');
    expect(logger.lines).toEqual([
      { level: 'error', message: 'first' },
      { level: 'debug', message: 'again' },
      { level: 'error', message: 'back' },
    ]);
  });

  it('forgets the oldest of many, so that changing messages take no memory', () => {
    const logger = createRecordingLogger();
    const outages = new OutageLog(logger);
    for (let number = 0; number <= 100; number += 1) {
      outages.report(`failure ${String(number)}`, 'first');
    }
    outages.report('failure 100', 'known');
    outages.report('failure 0', 'forgotten');
    expect(logger.lines.slice(-2)).toEqual([
      { level: 'debug', message: 'known' },
      { level: 'error', message: 'forgotten' },
    ]);
  });
});
