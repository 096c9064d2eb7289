import type { StrapiApp } from '@strapi/strapi/admin';
import { adminActions, PLUGIN_ID } from '../../plugin/src/contracts/identity';
import { ImageSearchIcon } from './components/icon';
import { Companion, SimilarPanel } from './editors/injections';
import { addImageSearch } from './editors/picker';
import { englishMessage, loadMessages, messageId, type TextKey } from './translations/messages';

const MENU_POSITION = 5;
/** Any one of them is enough to see the menu link and the widget. */
const permissions = Object.values(adminActions).map((action) => ({ action, subject: null }));

/** The parts of the content manager used here; Strapi does not type them. */
interface ContentManager {
  apis?: { addEditViewSidePanel?: (panels: unknown[]) => void };
}

export default createPanel();

function createPanel() {
  let registered: StrapiApp | null = null;

  function register(app: StrapiApp): void {
    registered = app;
    app.addMenuLink({
      to: `plugins/${PLUGIN_ID}`,
      icon: ImageSearchIcon,
      intlLabel: labelOf('common.name'),
      permissions,
      Component: () => import('./pages/app'),
      position: MENU_POSITION,
    });
    // Strapi renders components with this prefix on every page while its new Media Library is enabled.
    app.addComponents([{ name: `future-global::${PLUGIN_ID}`, Component: Companion }]);
    app.widgets.register({
      id: 'overview',
      pluginId: PLUGIN_ID,
      icon: ImageSearchIcon,
      title: labelOf('widgets.home.title'),
      component: async () => (await import('./widgets/overview-widget')).default,
      permissions,
    });
    app.registerPlugin({ id: PLUGIN_ID, name: 'Image Search' });
  }

  function bootstrap(app: Pick<StrapiApp, 'getPlugin'>): void {
    const contentManager = app.getPlugin('content-manager') as ContentManager | undefined;
    contentManager?.apis?.addEditViewSidePanel?.([SimilarPanel]);
    // All plugins have registered their fields and dialogs before this.
    if (registered) addImageSearch(registered);
  }

  /** Never rejects: Strapi would not render the admin panel at all. */
  async function registerTrads({ locales }: { locales: string[] }) {
    return Promise.all(
      locales.map(async (locale) => ({ locale, data: await loadMessages(locale) })),
    );
  }

  return { register, bootstrap, registerTrads };
}

function labelOf(key: TextKey): { id: string; defaultMessage: string } {
  return { id: messageId(key), defaultMessage: englishMessage(key) };
}
