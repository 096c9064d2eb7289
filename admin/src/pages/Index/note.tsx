import { Box, Flex, Typography } from '@strapi/design-system';
import { Information, WarningCircle } from '@strapi/icons';
import type { ReactNode } from 'react';

const looks = {
  warning: { background: 'warning100', border: 'warning200', icon: 'warning600' },
  danger: { background: 'danger100', border: 'danger200', icon: 'danger600' },
  neutral: { background: 'neutral100', border: 'neutral200', icon: 'neutral600' },
} as const;

interface NoteProps {
  tone: keyof typeof looks;
  children: ReactNode;
  /** At its end. */
  action?: ReactNode;
}

/** What must be known before the figures below it mean anything. */
export function Note({ tone, children, action }: NoteProps) {
  const { background, border, icon } = looks[tone];
  const Icon = tone === 'neutral' ? Information : WarningCircle;
  return (
    <Box
      background={background}
      borderColor={border}
      hasRadius
      paddingLeft={4}
      paddingRight={4}
      paddingTop={3}
      paddingBottom={3}
      role={tone === 'neutral' ? 'status' : 'alert'}
    >
      <Flex gap={3} alignItems="center">
        <Icon aria-hidden fill={icon} width="2rem" height="2rem" style={{ flexShrink: 0 }} />
        <Box flex="1" minWidth={0}>
          <Typography textColor="neutral800" style={{ overflowWrap: 'anywhere' }}>
            {children}
          </Typography>
        </Box>
        {action}
      </Flex>
    </Box>
  );
}
