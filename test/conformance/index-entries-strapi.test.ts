import { createIndexEntries } from '../../server/src/repositories/index-entries';
import { INDEX_ENTRY_UID } from '../../server/src/plugin-id';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { describeIndexEntries } from './index-entries';

let app: StrapiApp | undefined;

function running(): StrapiApp {
  if (app === undefined) throw new Error('Strapi is not running yet.');
  return app;
}

describeIndexEntries("in Strapi's database", {
  open: async () => {
    app = await startStrapi({ imageSearch: { indexing: { enabled: false } } });
  },
  empty: async () => {
    await running().strapi.db.query(INDEX_ENTRY_UID).deleteMany({});
    return createIndexEntries(running().strapi, { spaceId: () => 'here' });
  },
  ofAnotherSpace: () => createIndexEntries(running().strapi, { spaceId: () => 'elsewhere' }),
  close: async () => {
    await app?.stop();
  },
});
