import { Flex, Typography } from '@strapi/design-system';
import { Image } from '@strapi/icons';
import { useEffect, useRef, useState } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';

/** Takes a file that is dropped anywhere on the page, or pasted; shows that it would be taken. */
export function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const text = useText();
  const [isOver, setIsOver] = useState(false);
  /** Enter and leave come for every element on the way. */
  const depth = useRef(0);

  useEffect(() => {
    const show = (change: number) => (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      depth.current = Math.max(0, depth.current + change);
      setIsOver(depth.current > 0);
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      depth.current = 0;
      setIsOver(false);
      if (!file) return;
      event.preventDefault();
      onFile(file);
    };
    const paste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (!file) return;
      event.preventDefault();
      onFile(file);
    };
    const listeners = new AbortController();
    const { signal } = listeners;
    window.addEventListener('dragenter', show(1), { signal });
    window.addEventListener('dragover', show(0), { signal });
    window.addEventListener('dragleave', show(-1), { signal });
    window.addEventListener('drop', drop, { signal });
    window.addEventListener('paste', paste, { signal });
    return () => {
      listeners.abort();
    };
  }, [onFile]);

  if (!isOver) return null;
  return (
    <Overlay>
      <Flex
        direction="column"
        gap={2}
        padding={8}
        background="neutral0"
        hasRadius
        shadow="popupShadow"
      >
        <Image aria-hidden width="3.2rem" height="3.2rem" />
        <Typography variant="beta">{text('search.picture.drop')}</Typography>
        <Typography textColor="neutral600">{text('search.picture.dropHint')}</Typography>
      </Flex>
    </Overlay>
  );
}

const Overlay = styled.div`
  position: fixed;
  inset: ${({ theme }) => theme.spaces[2]};
  z-index: ${({ theme }) => theme.zIndices.overlay};
  display: flex;
  align-items: center;
  justify-content: center;
  pointer-events: none;
  color: ${({ theme }) => theme.colors.primary600};
  background: color-mix(in srgb, ${({ theme }) => theme.colors.primary100} 80%, transparent);
  border: 2px dashed ${({ theme }) => theme.colors.primary600};
  border-radius: ${({ theme }) => theme.borderRadius};
`;
