import { describe, expect, it } from '@jest/globals';
import { mutedBy } from '../../plugin/src/logger';
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
