import { Box, Flex, Typography } from '@strapi/design-system';
import { Information, WarningCircle } from '@strapi/icons';
import { useId, type ReactNode } from 'react';

interface CardProps {
  title: string;
  /** Beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A titled section of the page. */
export function Card({ title, actions, children }: CardProps) {
  const titleId = useId();
  return (
    <Box
      tag="section"
      aria-labelledby={titleId}
      background="neutral0"
      shadow="tableShadow"
      hasRadius
      padding={6}
      width="100%"
      height="100%"
    >
      <Flex justifyContent="space-between" gap={4} paddingBottom={4} minHeight="3.2rem" wrap="wrap">
        <Typography id={titleId} variant="delta" tag="h2">
          {title}
        </Typography>
        {actions}
      </Flex>
      {children}
    </Box>
  );
}

const looks = {
  warning: { background: 'warning100', border: 'warning200', icon: 'warning600' },
  danger: { background: 'danger100', border: 'danger200', icon: 'danger600' },
  neutral: { background: 'neutral100', border: 'neutral200', icon: 'neutral600' },
} as const;

interface NoteProps {
  tone: keyof typeof looks;
  children: ReactNode;
  /** At the end of the note. */
  action?: ReactNode;
}

/** Something to know before reading the figures below. */
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
