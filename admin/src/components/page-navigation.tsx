import { Flex } from '@strapi/design-system';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import type { AdminAction } from '../../../plugin/src/contracts/identity';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import type { TextKey } from '../translations/messages';

interface PageLink {
  action: AdminAction;
  /** Within the plugin's address. */
  path: string;
  label: TextKey;
}

/** The panel's pages, the first one that a role may see being the one it starts with. */
export const pageLinks: readonly PageLink[] = [
  { action: 'search', path: 'search', label: 'common.page.search' },
  { action: 'duplicates', path: 'duplicates', label: 'common.page.duplicates' },
  { action: 'manage', path: 'index', label: 'common.page.index' },
];

/** Links to the pages that the role may see; nothing when that is one page alone. */
export function PageNavigation() {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const links = pageLinks.filter(({ action }) => may[action]);
  if (links.length < 2) return null;
  return (
    <Bar aria-label={text('common.navigation')} tag="nav">
      {links.map(({ path, label }) => (
        <Tab key={path} to={path}>
          {text(label)}
        </Tab>
      ))}
    </Bar>
  );
}

const Bar = styled(Flex)`
  gap: ${({ theme }) => theme.spaces[6]};
  padding-inline: ${({ theme }) => theme.spaces[4]};
  background: ${({ theme }) => theme.colors.neutral0};
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
  ${({ theme }) => theme.breakpoints.large} {
    padding-inline: ${({ theme }) => theme.spaces[10]};
  }
`;

const Tab = styled(NavLink)`
  padding-block: ${({ theme }) => theme.spaces[4]};
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
