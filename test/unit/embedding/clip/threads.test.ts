import { describe, expect, it } from '@jest/globals';
import { warnOfThreads } from '../../../../plugin/src/embedding/clip/provider';
import { createRecordingLogger } from '../../../support/recording-logger';

describe('threads of the model', () => {
  it.each([
    [1, 1],
    [3, 3],
    [2, 5],
  ])('are fine with %d of %d free cores', (threads, freeCores) => {
    const logger = createRecordingLogger();
    warnOfThreads(threads, freeCores, logger);
    expect(logger.at('warn')).toEqual([]);
  });

  it('are warned of when there are more than free cores', () => {
    const logger = createRecordingLogger();
    warnOfThreads(4, 1, logger);
    warnOfThreads(8, 3, logger);
    expect(logger.at('warn')).toEqual([
      expect.stringContaining("only 1 of this machine's cores is free"),
      expect.stringContaining('Set embedding.threads to 3, or leave it out.'),
    ]);
  });
});
