import { ProgressBar } from '@strapi/design-system';
import { styled } from 'styled-components';

const WHOLE = 100;

interface BarProps {
  label: string;
  part: number;
  of: number;
}

/** A progress bar over the width there is. */
export function Bar({ label, part, of }: BarProps) {
  const value = of === 0 ? 0 : Math.min(WHOLE, Math.floor((part / of) * WHOLE));
  return <Track aria-label={label} value={value} size="S" />;
}

/** Strapi's own is as dark as what it shows when nothing is done yet. */
const Track = styled(ProgressBar)`
  && {
    width: 100%;
    background: ${({ theme }) => theme.colors.neutral200};
  }
  && > * {
    background: ${({ theme }) => theme.colors.primary600};
  }
`;
