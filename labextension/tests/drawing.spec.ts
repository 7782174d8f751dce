import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';

import { codeBlock } from '../src/components/code';
import { pieces } from '../src/dom';
import * as html from '../src/html';
import * as drawing from '../src/markdown';
import * as outputs from '../src/outputs';

// The real icons need a browser.
jest.mock('@jupyterlab/ui-components', () => {
  const icon = { element: () => document.createElement('span') };
  return { addBelowIcon: icon, copyIcon: icon, editIcon: icon, runIcon: icon };
});

const trans = nullTranslator.load('jupyterlab');
const safeHtml = (text: string): HTMLElement => html.safeHtml(text, trans);
const drawOutput = (output: outputs.RawOutput): HTMLElement => outputs.drawOutput(output, trans);

describe('a long text', () => {
  it.each([
    ['lines', 'x = 12\n'.repeat(3_000)],
    ['words', 'word '.repeat(3_000)],
    ['one word', 'x'.repeat(9_999)],
    ['pairs', '\u{1f600}'.repeat(5_000)],
    ['an odd number of pairs', `x${'\u{1f600}'.repeat(5_000)}`]
  ])('is cut into pieces without losing anything: %s', (_, text) => {
    const made = pieces(text).map(piece => piece.textContent ?? '');

    expect(made.join('')).toBe(text);
    expect(made.length).toBeGreaterThan(8);
    expect(made.filter(piece => piece.length > 1000 || /^[\udc00-\udfff]/.test(piece))).toEqual([]);
  });

  it('ends its pieces where its lines end', () => {
    expect(pieces('x = 12\n'.repeat(3_000)).filter(piece => !piece.textContent?.endsWith('\n'))).toEqual([]);
  });

  it('stays whole while it is short', () => expect(pieces('x'.repeat(4_000))).toHaveLength(1));

  it('is shown whole in a block of code', () => {
    const source = 'x = 12\n'.repeat(10_000);
    const done = (): void => undefined;
    const actions = { trans, run: done, insertBelow: done, replaceCell: done, highlight: done };

    const shown = codeBlock(source, 'python', true, actions);

    expect(shown.querySelector('code')?.textContent).toBe(source);
  });
});

describe('the code of a block', () => {
  it('is coloured in a task of its own', () => {
    jest.useFakeTimers();
    const done = (): void => undefined;
    const highlight = jest.fn();

    const shown = codeBlock('x = 1', '', true, {
      trans,
      run: done,
      insertBelow: done,
      replaceCell: done,
      highlight
    });

    expect(highlight).not.toHaveBeenCalled();
    jest.runAllTimers();
    jest.useRealTimers();
    expect(highlight).toHaveBeenCalledWith(shown.querySelector('code'), 'x = 1', 'python');
  });
});

describe('an output made to hold the page up', () => {
  const copies = (levels: number): string =>
    `<svg xmlns="http://www.w3.org/2000/svg"><path id="a0"/>${Array.from(
      { length: levels },
      (_, i) => `<g id="a${i + 1}"><use href="#a${i}"/><use href="#a${i}"/></g>`
    ).join('')}</svg>`;

  it.each([
    ['cells', `<table>${'<tr><td>1</td></tr>'.repeat(10_000)}</table>`],
    ['open elements', '<b>a'.repeat(50_000)],
    ['wide and high cells', `<table>${'<td colspan=1000 rowspan=1000>a</td>'.repeat(5_000)}`],
    ['links', '<a href="http://a.b">x</a> '.repeat(7_000)],
    ['words in turns', `<table>${'<tr><td>\u05d0a \u05d0a</td></tr>'.repeat(8_000)}</table>`]
  ])('is cut, and says so: %s', (_, text) => {
    const node = safeHtml(text);

    expect(node.lastElementChild?.textContent).toBe('… (cut)');
    expect(node.querySelectorAll('*').length).toBeLessThan(12_100);
  });

  it('has cells that take no more places than there are', () => {
    const node = safeHtml(
      `<table>${'<td colspan=1000 rowspan=1000>a</td>'.repeat(20)}<td colspan=3>b</td></table>`
    );

    const spans = Array.from(node.querySelectorAll('td'), cell => cell.colSpan * cell.rowSpan);

    expect(Math.max(...spans)).toBe(3);
  });

  it('is no table of a usual size', () => {
    const node = safeHtml(`<table>${`<tr>${'<td>1</td>'.repeat(20)}</tr>`.repeat(200)}</table>`);

    expect(node.querySelectorAll('td')).toHaveLength(4_000);
    expect(node.textContent).not.toContain('cut');
  });

  it.each([
    ['copies of copies', copies(2), 'pre'],
    ['copies', copies(1), 'img'],
    ['a hundred thousand shapes', `<svg>${'<g/>'.repeat(40_000)}</svg>`, 'pre']
  ])('is drawn as a picture only while that is quick: %s', (_, svg, tag) => {
    const drawn = drawOutput({ output_type: 'display_data', data: { 'image/svg+xml': svg } });

    expect(drawn.localName).toBe(tag);
  });
});

describe('what the page itself says', () => {
  const foreign = { __: (text: string, ...args: unknown[]) => `«${text.replace('%1', String(args[0]))}»` };
  const other = foreign as unknown as TranslationBundle;
  const display = (data: Record<string, string>): HTMLElement =>
    outputs.drawOutput({ output_type: 'display_data', data }, other);

  it.each([
    [
      'a table',
      () => drawing.markdown('|a|\n|-|', other).firstElementChild?.getAttribute('aria-label'),
      '«Table»'
    ],
    ['an image', () => drawing.markdown('![a](b)', other).textContent, '«[image: a]»'],
    ['an image without words', () => drawing.markdown('![](b)', other).textContent, '«[image]»'],
    ['an output', () => display({ 'text/html': 'a' }).getAttribute('aria-label'), '«Output»'],
    ['an image in an output', () => display({ 'text/html': '<img alt=a>' }).textContent, '«[image: a]»'],
    ['a picture', () => display({ 'image/png': 'AAAA' }).getAttribute('alt'), '«Picture»'],
    ['a cut', () => display({ 'text/html': '<b>'.repeat(2_000) }).lastElementChild?.textContent, '«… (cut)»']
  ])('is translated: %s', (_, said, words) => expect(said()).toBe(words));
});
