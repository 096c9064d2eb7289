'use client';

import { useEffect, useState, type DragEvent } from 'react';
import { Gallery } from './gallery';
import type { GalleryImage } from './images';

interface Found {
  items: GalleryImage[];
  isWeak: boolean;
}

export function SearchBox() {
  const [query, setQuery] = useState<string | File>('');
  const [found, setFound] = useState<Found | null>(null);
  const [status, setStatus] = useState('');

  useEffect(() => {
    if (query === '') {
      setFound(null);
      setStatus('');
      return;
    }
    const controller = new AbortController();
    const name = typeof query === 'string' ? `“${query}”` : query.name;
    const timer = setTimeout(async () => {
      setStatus('Searching…');
      try {
        const answer = await ask(query, controller.signal);
        setFound(answer);
        setStatus(answer.isWeak ? `No close match for ${name}.` : `Results for ${name}`);
      } catch (error) {
        if (controller.signal.aborted) return;
        setFound(null);
        setStatus(`The search failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }, 200);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [query]);

  function drop(event: DragEvent) {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) setQuery(file);
  }

  return (
    <>
      <label htmlFor="text">Describe an image</label>
      <input
        id="text"
        type="search"
        autoComplete="off"
        placeholder="e.g. a dog on the beach"
        value={typeof query === 'string' ? query : ''}
        onChange={({ target }) => setQuery(target.value)}
      />
      <label className="drop" onDrop={drop} onDragOver={(event) => event.preventDefault()}>
        Drop an image here, or choose one
        <input
          type="file"
          accept="image/*"
          onChange={({ target }) => setQuery(target.files?.[0] ?? '')}
        />
      </label>
      <p role="status">{status}</p>
      {found && <Gallery items={found.items} />}
    </>
  );
}

async function ask(query: string | File, signal: AbortSignal): Promise<Found> {
  const body = new FormData();
  if (typeof query !== 'string') body.set('image', query);
  const response =
    typeof query === 'string'
      ? await fetch(`/api/search?${new URLSearchParams({ text: query })}`, { signal })
      : await fetch('/api/search', { method: 'POST', body, signal });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}
