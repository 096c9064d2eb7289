import { Layouts, Page } from '@strapi/strapi/admin';
import { useText } from '../../hooks/text';

export default function IndexPage() {
  const text = useText();
  return (
    <Page.Main>
      <Page.Title>{text('index.title')}</Page.Title>
      <Layouts.Header title={text('index.title')} />
    </Page.Main>
  );
}
