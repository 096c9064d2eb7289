import { Flex, Typography } from '@strapi/design-system';
import { useQuery } from '@tanstack/react-query';
import { fetchFileUsage } from '../../api/usage';
import { useText } from '../../hooks/text';

const MOST_LISTED = 8;

/** The entries that use a file; nothing while that is not known. */
export function DrawerUsage({ fileId }: { fileId: number }) {
  const text = useText();
  const { data: usage } = useQuery({
    queryKey: ['file-usage', fileId],
    queryFn: ({ signal }) => fetchFileUsage(fileId, signal),
  });
  if (!usage) return null;
  const { data: uses, meta } = usage;
  const { useCount } = meta;
  const more = useCount - Math.min(uses.length, MOST_LISTED);
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography tag="h3" variant="sigma" textColor="neutral600">
        {text('search.details.usedIn')}
      </Typography>
      {useCount === 0 && (
        <Typography textColor="neutral600">{text('search.details.unused')}</Typography>
      )}
      <Flex tag="ul" direction="column" alignItems="stretch" gap={2}>
        {uses.slice(0, MOST_LISTED).map((use) => (
          <li key={`${use.contentType.uid} ${String(use.entryId)} ${use.path}`}>
            <Typography tag="p" ellipsis>
              {use.title ?? use.contentType.displayName}
            </Typography>
            <Typography tag="p" variant="pi" textColor="neutral600" ellipsis>
              {[use.contentType.displayName, use.path, use.locale].filter(Boolean).join(' · ')}
            </Typography>
          </li>
        ))}
      </Flex>
      {more > 0 && (
        <Typography variant="pi" textColor="neutral600">
          {text('search.details.usedInMore', { count: more })}
        </Typography>
      )}
    </Flex>
  );
}
