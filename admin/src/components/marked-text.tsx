import { Fragment } from 'react';
import { styled } from 'styled-components';

/** A text with the parts that matched a search marked: from and to, in characters as JavaScript counts. */
export function MarkedText({
  text,
  marks = [],
}: {
  text: string;
  marks?: [number, number][] | undefined;
}) {
  return (
    <>
      {marks.map(([start, end], index) => (
        <Fragment key={start}>
          {text.slice(marks[index - 1]?.[1] ?? 0, start)}
          <Mark>{text.slice(start, end)}</Mark>
        </Fragment>
      ))}
      {text.slice(marks.at(-1)?.[1] ?? 0)}
    </>
  );
}

const Mark = styled.mark`
  border-radius: 2px;
  background: ${({ theme }) => theme.colors.warning200};
  color: inherit;
`;
