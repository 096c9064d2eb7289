import { clipProvider } from '../../plugin/src/embedding/clip';
import { repositoryFolder, sampleModelFolder } from '../support/paths';
import { createRecordingLogger } from '../support/recording-logger';
import { describeEmbeddingProvider } from './embedding-provider';

const context = {
  logger: createRecordingLogger(),
  projectFolder: repositoryFolder,
  onProgress: () => undefined,
};

describeEmbeddingProvider('clip with the sample model', {
  open: async () => {
    const config = clipProvider.configSchema.parse({ provider: 'clip', model: sampleModelFolder });
    return {
      provider: await clipProvider.open(config, context),
      close: () => Promise.resolve(),
    };
  },
});
