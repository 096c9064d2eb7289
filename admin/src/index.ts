import type { StrapiApp } from '@strapi/strapi/admin';
import { Search } from '@strapi/icons';
import { adminActions, PLUGIN_ID } from '../../plugin/src/contracts/identity';
import { loadMessages } from './translations/languages';
import { englishMessage, messageId } from './translations/messages';

const MENU_POSITION = 5;

export default {
  register(app: StrapiApp): void {
    app.addMenuLink({
      to: `plugins/${PLUGIN_ID}`,
      icon: Search,
      intlLabel: { id: messageId('common.name'), defaultMessage: englishMessage('common.name') },
      // One of them is enough to see the link.
      permissions: Object.values(adminActions).map((action) => ({ action, subject: null })),
      Component: () => import('./pages/app'),
      position: MENU_POSITION,
    });
    app.registerPlugin({ id: PLUGIN_ID, name: 'Image Search' });
  },

  /** Never rejects: Strapi would show no panel at all. */
  async registerTrads({ locales }: { locales: string[] }) {
    return Promise.all(
      locales.map(async (locale) => ({ locale, data: await loadMessages(locale) })),
    );
  },
};
