import { Button, Flex, Typography } from '@strapi/design-system';
import { ArrowsHorizontal, Play, Stop } from '@strapi/icons';
import { useEffect, useState } from 'react';
import { useReducedMotion } from '../../hooks/reduced-motion';
import { useText } from '../../hooks/text';
import { Overlay } from './overlay';
import type { ShownPair } from './shown-pair';

/** Well below three changes a second, from which flashing harms some people. */
const CHANGE_EVERY_MS = 700;

/** Two pictures in the same place, one after the other: what differs jumps. Stands still for those who asked for that. */
export function Blink(shown: ShownPair) {
  const text = useText();
  const isStill = useReducedMotion();
  const [isRunning, setRunning] = useState(!isStill);
  const [showsRight, setShowsRight] = useState(false);
  const change = (): void => {
    setShowsRight((before) => !before);
  };
  useEffect(() => {
    if (!isRunning) return;
    const timer = window.setInterval(change, CHANGE_EVERY_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, [isRunning]);
  const seen = showsRight ? shown.right : shown.left;
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      <Overlay {...shown} from={showsRight ? 0 : 1} />
      <Flex justifyContent="center" gap={3} wrap="wrap">
        <Button
          size="S"
          variant="tertiary"
          startIcon={isRunning ? <Stop /> : <Play />}
          onClick={() => {
            setRunning(!isRunning);
          }}
        >
          {text(isRunning ? 'duplicates.blink.stop' : 'duplicates.blink.start')}
        </Button>
        <Button size="S" variant="tertiary" startIcon={<ArrowsHorizontal />} onClick={change}>
          {text('duplicates.blink.change')}
        </Button>
        <Typography variant="pi" textColor="neutral600">
          {text(showsRight ? 'duplicates.blink.right' : 'duplicates.blink.left', {
            name: seen.name,
          })}
        </Typography>
      </Flex>
    </Flex>
  );
}
