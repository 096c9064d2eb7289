const isLongRun = process.env.IMAGE_SEARCH_LONG_TESTS === 'true';

/** How much data a suite takes: enough to be meaningful in CI, and all of it in `npm run test:long`. */
export function sizeOf<Size>({ ci, long }: { ci: Size; long: Size }): Size {
  return isLongRun ? long : ci;
}
