import { useState } from 'react';
import { styled } from 'styled-components';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Overlay } from './overlay';
import { percent } from './side-by-side';
import type { ShownPair } from './shown-pair';

const STEPS = 100;

/** Two pictures on each other and a divider between them, to be moved by hand or with the arrow keys. */
export function Swipe(shown: ShownPair) {
  const text = useText();
  const formats = useFormats();
  const [place, setPlace] = useState(STEPS / 2);
  const part = place / STEPS;
  return (
    <Overlay {...shown} from={part}>
      <Divider
        type="range"
        min={0}
        max={STEPS}
        value={place}
        aria-label={text('duplicates.swipe.divider')}
        aria-valuetext={text('duplicates.swipe.value', { share: formats.percent(part) })}
        onChange={({ target }) => {
          setPlace(target.valueAsNumber);
        }}
      />
      <Line style={{ left: percent(part) }} aria-hidden>
        <Handle />
      </Line>
    </Overlay>
  );
}

const Divider = styled.input`
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  margin: 0;
  opacity: 0;
  cursor: ew-resize;
`;

const Line = styled.div`
  position: absolute;
  top: 0;
  bottom: 0;
  width: 2px;
  margin-left: -1px;
  background: #fff;
  box-shadow: 0 0 0 1px rgb(0 0 0 / 35%);
  pointer-events: none;
`;

const Handle = styled.span`
  position: absolute;
  top: 50%;
  left: 50%;
  width: 3.2rem;
  height: 3.2rem;
  border-radius: 50%;
  background: #fff;
  box-shadow: 0 1px 4px rgb(0 0 0 / 45%);
  transform: translate(-50%, -50%);
  &::before {
    content: '‹ ›';
    display: grid;
    place-items: center;
    height: 100%;
    color: #32324d;
    font-size: 1.6rem;
  }
  ${Divider}:focus-visible + ${Line} > & {
    outline: 3px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;
