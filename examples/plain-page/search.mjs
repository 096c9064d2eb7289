import { createImageSearch } from 'strapi-plugin-image-search/client';

/** The client, once the configuration is there. Nothing waits for it but searches: what is typed before isn't lost. */
const client = fetch('./config.json')
  .then((response) => response.json())
  .then(({ strapi }) => createImageSearch({ baseURL: `${strapi}/api` }));
const pagination = { limit: 12 };

const [text, file, drop, status, results] = ['text', 'file', 'drop', 'status', 'results'].map(
  (id) => document.getElementById(id),
);

/** Of the search that is running; a newer one aborts it. */
let running = new AbortController();

/**
 * @param {string} title
 * @param {(images: Awaited<typeof client>, signal: AbortSignal) => Promise<object>} ask
 */
async function show(title, ask) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  status.textContent = 'Searching…';
  try {
    const images = await client;
    signal.throwIfAborted();
    const { data, meta } = await ask(images, signal);
    results.replaceChildren(...data.map(({ file: found }) => toItem(found, images)));
    const isWeak = data.length === 0 || meta.noCloseMatch;
    status.textContent = isWeak ? `No close match for ${title}.` : `Results for ${title}`;
  } catch (error) {
    if (signal.aborted) return;
    results.replaceChildren();
    status.textContent = `The search failed: ${error.message}`;
  }
}

/** An image that leads to those like it. */
function toItem(found, images) {
  const [item, button, image] = ['li', 'button', 'img'].map((name) => document.createElement(name));
  image.src = images.urlOf(found, 'small');
  image.alt = found.alternativeText ?? found.name;
  image.loading = 'lazy';
  button.type = 'button';
  button.title = `Find images like ${found.name}`;
  button.append(image);
  button.addEventListener('click', () => {
    void show(`images like ${found.name}`, (_images, signal) =>
      images.similar(found.id, { pagination, signal }),
    );
  });
  item.append(button);
  return item;
}

function searchByText() {
  const words = text.value.trim();
  if (words === '') {
    running.abort();
    results.replaceChildren();
    status.textContent = '';
    return;
  }
  void show(`“${words}”`, (images, signal) => images.search(words, { pagination, signal }));
}

function searchByFile(image) {
  if (!image) return;
  void show(image.name, (images, signal) => images.search({ image }, { pagination, signal }));
}

let pause;
text.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(searchByText, 200);
});
file.addEventListener('change', () => {
  searchByFile(file.files[0]);
  // The same file can be chosen again.
  file.value = '';
});
for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', name === 'dragenter' || name === 'dragover');
    if (name === 'drop') searchByFile(event.dataTransfer.files[0]);
  });
}

// What was typed or chosen before this script ran.
searchByText();
searchByFile(file.files[0]);
