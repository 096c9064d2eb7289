import { SearchBox } from './search-box';

export default function Page() {
  return (
    <main>
      <h1>Image search</h1>
      <SearchBox />
    </main>
  );
}
