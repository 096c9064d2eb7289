import type { Search } from '@strapi/icons';
import { forwardRef, type ComponentProps } from 'react';
import { useTheme } from 'styled-components';

const IMAGE =
  'M5 4h20a2 2 0 0 1 2 2v8.29A8.5 8.5 0 0 0 14.75 25H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2Zm4.5 4.25a2.25 2.25 0 1 0 0 4.5 2.25 2.25 0 0 0 0-4.5ZM6 21.25h7.6L14 18.9l-3.2-4.1Z';
const MAGNIFIER =
  'M22.5 15.5a6 6 0 1 0 3.1 11.14l3.83 3.83a1.4 1.4 0 0 0 1.98-1.98l-3.8-3.8A6 6 0 0 0 22.5 15.5Zm0 2.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7Z';

/** The plugin's icon, an image and a magnifier; takes the same props as Strapi's icons. */
export const ImageSearchIcon = forwardRef<
  SVGSVGElement,
  Omit<ComponentProps<typeof Search>, 'ref'>
>(({ fill = 'currentColor', stroke, ...props }, ref) => {
  const colors: Partial<Record<string, string>> = { ...useTheme().colors };
  return (
    <svg
      ref={ref}
      xmlns="http://www.w3.org/2000/svg"
      viewBox="0 0 32 32"
      width={16}
      height={16}
      fill={colors[fill] ?? fill}
      stroke={stroke}
      {...props}
    >
      <path fillRule="evenodd" clipRule="evenodd" d={IMAGE} />
      <path fillRule="evenodd" clipRule="evenodd" d={MAGNIFIER} />
    </svg>
  );
});
ImageSearchIcon.displayName = 'ImageSearchIcon';
