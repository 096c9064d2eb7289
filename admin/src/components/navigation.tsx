import { EmptyStateLayout, Flex, Typography } from '@strapi/design-system';
import { EmptyPermissions } from '@strapi/icons/symbols';
import { Layouts, Page } from '@strapi/strapi/admin';
import type { ReactNode } from 'react';
import { NavLink, useLocation } from 'react-router-dom';
import { styled } from 'styled-components';
import { PLUGIN_ID, type AdminAction } from '../../../plugin/src/contracts/identity';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import type { TextKey } from '../translations/messages';

/** Where the panel's pages are, within Strapi's. */
export const HOME = `/plugins/${PLUGIN_ID}`;

/** The search for images similar to a file. */
export function similarAddress(fileId: number): string {
  return `${HOME}/search?like=${String(fileId)}`;
}

/** The search for a text, in a folder; both may be missing. */
export function searchAddress({ text, folder }: { text: string; folder: string | null }): string {
  const query = new URLSearchParams({
    ...(text !== '' && { text }),
    ...(folder !== null && { folder }),
  });
  return `${HOME}/search?${query.toString()}`;
}

/** The duplicates page, at the group of a pair. */
export function duplicatesAddress(pairId: number): string {
  return `${HOME}/duplicates?group=${String(pairId)}`;
}

export const indexAddress = `${HOME}/index`;

/** The Media Library, with the details of a file open. */
export function mediaLibraryAddress(fileId: number): string {
  return `/plugins/upload?assetId=${String(fileId)}`;
}

interface PageLink {
  action: AdminAction;
  /** Relative to the plugin's address. */
  path: string;
  label: TextKey;
}

/** The panel's pages. It opens the first one that the role may see. */
export const pageLinks: readonly PageLink[] = [
  { action: 'search', path: 'search', label: 'common.page.search' },
  { action: 'search', path: 'map', label: 'common.page.map' },
  { action: 'duplicates', path: 'duplicates', label: 'common.page.duplicates' },
  { action: 'manage', path: 'index', label: 'common.page.index' },
];

/** The pages that the role may see. */
export function usePageLinks(): readonly PageLink[] {
  const { may } = useImageSearchPermissions();
  return pageLinks.filter(({ action }) => may[action]);
}

export const TABS_HEIGHT = '5.2rem';
/** Of a page's title. */
export const TITLE_SIZE = '1.8rem';

/** Tabs for the pages that the role may see; nothing for a single page. */
export function PageNavigation() {
  const text = useText();
  const links = usePageLinks();
  const { pathname } = useLocation();
  if (links.length < 2) return null;
  return (
    <Bar $sticks={pathname === `${HOME}/search`} aria-label={text('common.navigation')} tag="nav">
      {links.map(({ path, label }) => (
        <Tab key={path} to={path}>
          {text(label)}
        </Tab>
      ))}
    </Bar>
  );
}

/** The title of a page, what there is to say of it, and its actions: as low as the search page's, so that content starts high. */
export function PageHeader({
  title,
  subtitle,
  actions,
}: {
  title: string;
  subtitle: ReactNode;
  actions: ReactNode;
}) {
  return (
    <Header wrap="wrap" justifyContent="space-between" alignItems="center" gap={3}>
      <Flex direction="column" alignItems="flex-start" gap={1}>
        <Title tag="h1" variant="alpha">
          {title}
        </Title>
        <Typography textColor="neutral600" tag="p">
          {subtitle}
        </Typography>
      </Flex>
      {actions}
    </Header>
  );
}

/** Shows a page to roles that may see it, and tells others which permission they lack. */
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

const Header = styled(Flex)`
  padding: ${({ theme }) => `${theme.spaces[6]} ${theme.spaces[4]} ${theme.spaces[4]}`};
  ${({ theme }) => theme.breakpoints.medium} {
    padding-inline: ${({ theme }) => theme.spaces[6]};
  }
  ${({ theme }) => theme.breakpoints.large} {
    padding-inline: ${({ theme }) => theme.spaces[10]};
  }
`;

const Title = styled<typeof Typography>(Typography)`
  font-size: ${TITLE_SIZE};
`;

/** On the search page it stays at the top, with the search field. */
const Bar = styled(Flex)<{ $sticks: boolean }>`
  flex: none;
  align-items: stretch;
  height: ${TABS_HEIGHT};
  ${({ theme }) => theme.breakpoints.medium} {
    ${({ $sticks }) => $sticks && 'position: sticky; top: 0; z-index: 3;'}
  }
  gap: ${({ theme }) => theme.spaces[6]};
  padding-inline: ${({ theme }) => theme.spaces[4]};
  background: ${({ theme }) => theme.colors.neutral0};
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
  ${({ theme }) => theme.breakpoints.large} {
    padding-inline: ${({ theme }) => theme.spaces[10]};
  }
`;

const Tab = styled(NavLink)`
  display: flex;
  align-items: center;
  margin-bottom: -1px;
  border-bottom: 2px solid transparent;
  color: ${({ theme }) => theme.colors.neutral600};
  font-size: ${({ theme }) => theme.fontSizes[2]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
  text-decoration: none;
  &:hover {
    color: ${({ theme }) => theme.colors.neutral800};
  }
  &.active {
    color: ${({ theme }) => theme.colors.primary600};
    border-bottom-color: ${({ theme }) => theme.colors.primary600};
  }
`;
