import common from './common.json';
import duplicates from './duplicates.json';
import index from './index.json';
import search from './search.json';
import widgets from './widgets.json';

export default { common, duplicates, index, search, widgets };
