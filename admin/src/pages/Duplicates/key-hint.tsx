import { styled } from 'styled-components';

/** The key that does the same as the button it stands in. */
export const KeyHint = styled.kbd.attrs({ 'aria-hidden': true })`
  display: inline-block;
  min-width: 2rem;
  margin-inline-start: ${({ theme }) => theme.spaces[2]};
  padding: 0 ${({ theme }) => theme.spaces[1]};
  border: 1px solid currentcolor;
  border-radius: ${({ theme }) => theme.borderRadius};
  font-family: inherit;
  font-size: 1.1rem;
  font-weight: ${({ theme }) => theme.fontWeights.regular};
  line-height: 1.6rem;
  text-align: center;
  opacity: 0.75;
`;
