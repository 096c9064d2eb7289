/** All languages of the plugin, so that everyone can switch in their profile. */
export default {
  config: { locales: ['de', 'es', 'fr', 'ja', 'zh-Hans'] },
  bootstrap() {
    // Nothing to start.
  },
};
