import { readFileSync } from 'fs';
import path from 'path';
import { createImageReader } from './plugin/src/images/image-reader';
import { createPixelConfirmation, PixelComparer } from './plugin/src/duplicates/pixel-confirmation';
import { createJudge, thresholdsFor } from './plugin/src/matching/verdict';
import { collectSubjects, type Subject } from './test/bench/duplicates/traces';
import { findFalsePairs } from './test/bench/duplicates/false-pairs';
import { edits } from './test/bench/duplicates/edits';
import { createSeededRandom } from './sample/seeded-random';
import { renderSampleImage, sampleLibrary } from './sample/library';
(async () => {
  const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e8, timeoutMs: 60_000 });
  const th = thresholdsFor({ model: 'mini-clip' }); const judge = createJudge(th);
  const all = await collectSubjects({ photoFolder: '/work/shared/data/photos', unseenFolder: null, cacheFolder: '/tmp/image-search-duplicates', open: () => { throw new Error('x'); }, onProgress: () => undefined });
  const subjects = all.filter((s) => process.argv[2] === 'all' || s.part !== 'artwork');
  const r = findFalsePairs(subjects, judge, th);
  console.log(JSON.stringify({ ...r, found: r.found.length }));
  const byName = new Map(all.map((s) => [s.name, s]));
  const bytes = async (s: Subject) => { if (s.part === 'artwork') { return renderSampleImage(sampleLibrary.find((i) => i.fileName === s.name)!); } const b = readFileSync(path.join('/work/shared/data/photos', s.original)); const e = edits.find((x) => x.name === s.edit); return e ? e.apply(b, createSeededRandom(`${s.original} ${s.edit}`)) : b; };
  const comparer = new PixelComparer(); let kept = 0;
  const confirm = createPixelConfirmation({ images: reader, comparePixels: comparer.compare });
  for (const f of r.found) { const [a, b] = [byName.get(f.one)!, byName.get(f.other)!]; const [x, y] = [await bytes(a), await bytes(b)]; const p = judge.judge(a.trace, b.trace, f.similarity)!; const v = await confirm({ one: { trace: a.trace, read: () => Promise.resolve(x) }, other: { trace: b.trace, read: () => Promise.resolve(y) }, verdict: p }, undefined).catch((e) => String(e)); if (v) kept++; console.log(f.kind, f.one, '|', f.other, f.similarity.toFixed(2), '->', typeof v === 'string' ? v : v?.kind); }
  console.log('confirmed', kept, 'of', r.found.length); await comparer.stop();
})();
