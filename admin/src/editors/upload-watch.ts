const UPLOAD_PATH = /\/upload(\/files(\/\d+\/replace)?)?$/;
const SENT_BY_SCRIPTS = ['fetch', 'xmlhttprequest'];

/**
 * Says that this page has uploaded something, whatever part of Strapi's panel did: the browser itself lists the requests
 * of a page. Until the signal is aborted.
 */
export function watchUploads(onUpload: () => void, signal: AbortSignal): void {
  if (typeof PerformanceObserver === 'undefined') return;
  const observer = new PerformanceObserver((list) => {
    const requests = list.getEntriesByType('resource') as PerformanceResourceTiming[];
    if (requests.some(isUpload)) onUpload();
  });
  observer.observe({ type: 'resource' });
  signal.addEventListener('abort', () => {
    observer.disconnect();
  });
}

/** Lists of files are asked for with a query, single files by their number. */
function isUpload({ name, initiatorType }: PerformanceResourceTiming): boolean {
  if (!SENT_BY_SCRIPTS.includes(initiatorType)) return false;
  const { pathname, searchParams } = new URL(name);
  const isQuery = searchParams.size > 0 && !searchParams.has('id');
  return UPLOAD_PATH.test(pathname) && !isQuery;
}
