import { expect, it } from '@jest/globals';
import type { WordIndexing } from '../../../plugin/src/application/lifecycle';
import { announceTexts } from '../../../plugin/src/application/words';
import type { FileTrace } from '../../../plugin/src/duplicates/contract';
import { MemoryImageTraces } from '../../support/memory-image-traces';

function traceOf(fileId: number, text?: string): FileTrace {
  return {
    fileId,
    contentHash: String(fileId),
    fingerprint: null,
    thumbnail: null,
    width: 1,
    height: 1,
    ...(text !== undefined && { text }),
  };
}

it('announces files whose text changed, to none as well', async () => {
  const updates: (readonly number[])[] = [];
  const library = { update: (fileIds: readonly number[]) => updates.push(fileIds) };
  const words = { library } as unknown as WordIndexing;
  const traces = announceTexts(new MemoryImageTraces(), words);
  await traces.put([traceOf(1, 'a report'), traceOf(2, 'a leaflet'), traceOf(3), traceOf(4, '')]);
  expect(updates.at(-1)).toEqual([1, 2]);
  await traces.put([traceOf(1, ''), traceOf(2), traceOf(3)]);
  expect(updates.at(-1)).toEqual([1, 2]);
  await traces.put([traceOf(1, ''), traceOf(2, 'a leaflet'), traceOf(3)]);
  expect(updates.at(-1)).toEqual([2]);
});
