import { describe, expect, it } from '@jest/globals';
import { markWords } from '../../../plugin/src/text/ranking';

describe('the words of a query in a text', () => {
  const marked = (text: string, query: string): string[] =>
    markWords(text, query).map(([from, to]) => text.slice(from, to));

  it.each([
    ['Two dogs on a beach', 'dog beach', ['dogs', 'beach']],
    ['logoAcme_final.png', 'acme', ['Acme']],
    ['logoAcme_final.png', 'logoacme', ['logoAcme']],
    ['Café-Zürich.jpg', 'zurich', ['Zürich']],
    ['黒猫の写真', '黒猫', ['黒猫']],
    ['A quiet lake', 'dog', []],
    ['🐕 dog', 'dog', ['dog']],
  ])('are marked: in "%s" those of "%s"', (text, query, expected) => {
    expect(marked(text, query)).toEqual(expected);
  });
});
