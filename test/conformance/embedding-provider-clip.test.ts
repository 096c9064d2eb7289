import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { copyToTemporaryFolder, openClip, siglipFolder } from '../support/clip-provider';
import { sampleModelFolder } from '../support/paths';
import { wrapWorker } from '../support/wrapped-worker';
import { describeEmbeddingProvider } from './embedding-provider';

describeEmbeddingProvider('clip with the sample model', {
  open: async () => ({
    provider: await openClip({ model: sampleModelFolder }),
    close: () => Promise.resolve(),
  }),
  openSpoilt: async (fault) => {
    const { folder, remove } = await copyToTemporaryFolder(siglipFolder);
    await cp(path.join(siglipFolder, 'spoilt', fault), path.join(folder, 'onnx'), {
      recursive: true,
      force: true,
    });
    return { provider: await openClip({ model: folder, dtype: 'fp32' }), close: remove };
  },
  openUnavailable: async () => {
    const { program, folder } = await wrapWorker('clip');
    const provider = await openClip({ model: sampleModelFolder }, { program });
    // The process starts with the first input.
    await provider.embedTexts(['dog']);
    await rm(folder, { recursive: true });
    const { processId } = provider;
    // Process 0 would be every process of this group.
    if (!processId) throw new Error('The model has no process.');
    process.kill(processId, 'SIGKILL');
    return { provider, close: () => Promise.resolve() };
  },
});
