import { Flex, Typography } from '@strapi/design-system';
import type { ReactNode } from 'react';

interface StateMessageProps {
  icon?: ReactNode;
  title: string;
  text?: string | undefined;
  /** Less important: the server's message, or where to read more. */
  details?: string | undefined;
  action?: ReactNode;
}

/** Takes the place of results: what happened, and what to do. */
export function StateMessage({ icon, title, text, details, action }: StateMessageProps) {
  return (
    <Flex
      direction="column"
      gap={4}
      padding={10}
      background="neutral0"
      hasRadius
      shadow="tableShadow"
    >
      {icon}
      <Flex direction="column" gap={2} maxWidth="56rem">
        <Typography tag="h2" variant="delta" textAlign="center">
          {title}
        </Typography>
        {text !== undefined && (
          <Typography textColor="neutral600" textAlign="center">
            {text}
          </Typography>
        )}
        {details !== undefined && (
          <Typography variant="pi" textColor="neutral600" textAlign="center">
            {details}
          </Typography>
        )}
      </Flex>
      {action && <Flex gap={2}>{action}</Flex>}
    </Flex>
  );
}
