import { Box, Button, EmptyStateLayout } from '@strapi/design-system';
import { WarningCircle } from '@strapi/icons';
import { useText } from '../../hooks/text';
import { failureText } from './failure-text';

/** Why the groups cannot be shown, and another try. */
export function ListFailure({ failure, onRetry }: { failure: Error; onRetry: () => void }) {
  const text = useText();
  return (
    <Box role="alert">
      <EmptyStateLayout
        icon={<WarningCircle width="4.8rem" height="4.8rem" fill="danger600" />}
        content={failureText(failure, text)}
        action={
          <Button variant="secondary" onClick={onRetry}>
            {text('common.failure.tryAgain')}
          </Button>
        }
      />
    </Box>
  );
}
