import { ProgressBar as StrapiBar } from '@strapi/design-system';
import { styled } from 'styled-components';

interface ProgressBarProps {
  label: string;
  part: number;
  of: number;
}

/** How much of something is done, across the available width. */
export function ProgressBar({ label, part, of }: ProgressBarProps) {
  const value = of === 0 ? 0 : Math.min(100, Math.floor((part / of) * 100));
  // Strapi's bar doesn't tell screen readers its value.
  return <Track aria-label={label} aria-valuenow={value} value={value} size="S" />;
}

/** Strapi's track is as dark as its bar, and short. */
const Track = styled(StrapiBar)`
  && {
    width: 100%;
    background: ${({ theme }) => theme.colors.neutral200};
  }
  && > * {
    background: ${({ theme }) => theme.colors.primary600};
    @media (prefers-reduced-motion: reduce) {
      transition: none;
    }
  }
`;
