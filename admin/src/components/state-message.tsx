import { Flex, Typography } from '@strapi/design-system';
import type { ReactNode } from 'react';

interface StateMessageProps {
  icon?: ReactNode;
  title: string;
  text?: string;
  /** What is less important: the words of the server, or where more is said. */
  details?: string;
  action?: ReactNode;
}

/** What a page shows in place of its contents: what is the matter, and what to do. */
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
