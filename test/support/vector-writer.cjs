'use strict';
/**
 * A separate process that stores batches of points in an embedded store and prints the number of each as soon as
 * it is stored. It ends by returning, without disposing the store. Run with tsx, arguments: file, number of batches.
 */
const { createVectorSpace } = require('../../plugin/src/embedding/vector-space.ts');
const { createEmbeddedStore } = require('../../plugin/src/vectors/embedded/index.ts');
const { createStructuredVectors } = require('./structured-vectors.ts');
const { pointOf } = require('./vector-points.ts');

const BATCH = 10;
const DIMENSIONS = 64;

async function main(file, batches) {
  const store = createEmbeddedStore({ file, prefilterFrom: 1, logger: console });
  const vectors = createStructuredVectors(5, DIMENSIONS);
  const collection = await store.ensureSpace(
    createVectorSpace({
      provider: 'test',
      model: 'writer',
      dimensions: DIMENSIONS,
      preprocessing: '',
    }),
  );
  for (let batch = 0; batch < batches; batch += 1) {
    await collection.upsert(
      Array.from({ length: BATCH }, (_, index) =>
        pointOf(batch * BATCH + index + 1, vectors.image()),
      ),
    );
    process.stdout.write(`${String(batch)}\n`);
  }
}

main(process.argv[2], Number(process.argv[3]));
