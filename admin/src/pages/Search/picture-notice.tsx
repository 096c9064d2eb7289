import { Box, Link, Typography } from '@strapi/design-system';
import { useQuery } from '@tanstack/react-query';
import { NavLink } from 'react-router-dom';
import { mediaLibraryAddress } from '../../api/addresses';
import { checkPicture, type PictureCheck } from '../../api/search';
import { nameOf } from '../../components/picture';
import type { QueryPicture } from '../../hooks/search';
import { useText } from '../../hooks/text';

const MOST_NAMED = 3;

interface PictureNoticeProps {
  picture: QueryPicture;
  /** Whether there are results: the search goes first. */
  isAnswered: boolean;
}

/** Of a picture that is searched with: whether the library has it already, and that a link leaves it out. */
export function PictureNotice({ picture, isAnswered }: PictureNoticeProps) {
  const text = useText();
  const { data } = useQuery({
    queryKey: ['picture-check', picture.key],
    queryFn: ({ signal }) => checkPicture(picture.blob, signal),
    enabled: isAnswered,
    staleTime: Infinity,
  });
  return (
    <Box paddingTop={2}>
      <Typography tag="div" variant="pi" textColor="neutral800" role="status">
        {data && <Finding check={data} />}
      </Typography>
      <Typography tag="p" variant="pi" textColor="neutral600">
        {text('search.picture.local')}
      </Typography>
    </Box>
  );
}

function Finding({ check: { data: matches, meta } }: { check: PictureCheck }) {
  const text = useText();
  if (matches.length === 0) return meta.isComplete ? text('search.picture.unknown') : null;
  return (
    <>
      {text('search.picture.known')}{' '}
      {matches.slice(0, MOST_NAMED).map(({ file, kind }, index) => (
        <span key={file.id}>
          {index > 0 && ', '}
          <Link tag={NavLink} to={mediaLibraryAddress(file.id)}>
            {nameOf(file)}
          </Link>{' '}
          ({text(`search.details.${kind}`)})
        </span>
      ))}
    </>
  );
}
