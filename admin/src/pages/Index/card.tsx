import { Box, Flex, Typography } from '@strapi/design-system';
import { useId, type ReactNode } from 'react';

interface CardProps {
  title: string;
  /** Beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One matter of the page. */
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
