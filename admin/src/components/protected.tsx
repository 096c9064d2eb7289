import { EmptyStateLayout } from '@strapi/design-system';
import { EmptyPermissions } from '@strapi/icons/symbols';
import { Layouts, Page } from '@strapi/strapi/admin';
import type { ReactNode } from 'react';
import type { AdminAction } from '../../../plugin/src/contracts/identity';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';

/** Shows a page to those who may see it; others read which permission their role lacks. */
export function Protected({ action, children }: { action: AdminAction; children: ReactNode }) {
  const { isLoading, may } = useImageSearchPermissions();
  if (isLoading) return <Page.Loading />;
  return may[action] ? children : <Forbidden action={action} />;
}

function Forbidden({ action }: { action: AdminAction }) {
  const text = useText();
  const reason = text('common.forbidden.text', { action: text(`common.action.${action}`) });
  return (
    <Page.Main>
      <Layouts.Header title={text('common.forbidden.title')} />
      <Layouts.Content>
        <EmptyStateLayout icon={<EmptyPermissions width="16rem" />} content={reason} />
      </Layouts.Content>
    </Page.Main>
  );
}
