/*
 * A sandbox's HTML (mostly tables of data frames) as DOM. The text is parsed in a document that has no window, where
 * nothing is fetched and nothing runs; what is shown is built anew from a short list of elements and attributes.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el, pieces, unturned } from './dom';
import { image, link } from './links';
import { readable } from './reading';

const KEPT: ReadonlySet<string> = new Set(
  (
    'table thead tbody tfoot tr th td caption div span p br b strong i em u s code pre kbd samp var ul ol li dl dt dd ' +
    'h3 h4 h5 h6 sub sup hr details summary blockquote small'
  ).split(' ')
);
// The content of these is not text for a person.
const DROPPED: ReadonlySet<string> = new Set(
  'script style template noscript iframe object embed svg math link meta title head base form input button select textarea'.split(
    ' '
  )
);
/** A browser's parser goes through all open elements at each tag. */
const MAX_TAGS = 9_000;
const MAX_OPEN = 1_000;
const TAG = /<(?!(?:br|col|hr|img|wbr)\b)[a-z/]/gi;
/** Nodes that are drawn, and places in a table that its cells take. */
const MAX_NODES = 12_000;
/** A link is made of so many nodes more than one. */
const LINK = 3;
const MAX_DEPTH = 60;

/** Draws on one budget of nodes. */
interface Drawing {
  readonly trans: TranslationBundle;
  nodes: number;
}

/** Draw HTML that nobody vouches for. */
export function safeHtml(text: string, trans: TranslationBundle): HTMLElement {
  const end = Math.min(tagsEnd(text), readable(text));
  const parsed = new DOMParser().parseFromString(text.slice(0, end), 'text/html');
  const made = el('div', {
    class: 'jp-ac-html jp-ac-scroll',
    tabindex: '0',
    role: 'region',
    'aria-label': trans.__('Output')
  });
  const drawing: Drawing = { trans, nodes: MAX_NODES };
  copy(parsed.body, made, drawing, 0);
  if (drawing.nodes < 0 || end < text.length) {
    made.append(el('p', { class: 'jp-ac-note', text: trans.__('… (cut)') }));
  }
  return made;
}

/** Where the first tag stands that is one too many. */
function tagsEnd(text: string): number {
  let count = 0;
  let open = 0;
  for (const tag of text.matchAll(TAG)) {
    count += 1;
    open += tag[0] === '</' ? -1 : 1;
    if (count > MAX_TAGS || open > MAX_OPEN) {
      return tag.index;
    }
  }
  return text.length;
}

function copy(from: Node, to: HTMLElement, drawing: Drawing, depth: number): void {
  for (const node of Array.from(from.childNodes)) {
    drawing.nodes -= 1;
    if (drawing.nodes < 0) {
      return;
    }
    if (node.nodeType === Node.TEXT_NODE) {
      to.append(...pieces(unturned(node.textContent ?? '')));
    } else if (node instanceof Element || node.nodeType === Node.ELEMENT_NODE) {
      copyElement(node as Element, to, drawing, depth);
    }
  }
}

function copyElement(from: Element, to: HTMLElement, drawing: Drawing, depth: number): void {
  const tag = from.localName;
  if (DROPPED.has(tag) || depth > MAX_DEPTH) {
    return;
  }
  if (tag === 'img') {
    to.append(image(from.getAttribute('src') ?? '', from.getAttribute('alt') ?? '', drawing.trans));
    return;
  }
  if (tag === 'a') {
    const label = el('span');
    drawing.nodes -= LINK;
    copy(from, label, drawing, depth + 1);
    to.append(link(from.getAttribute('href') ?? '', label));
    return;
  }
  if (!KEPT.has(tag)) {
    copy(from, to, drawing, depth + 1);
    return;
  }
  const made = document.createElement(tag);
  span(from, made, drawing);
  copy(from, made, drawing, depth + 1);
  to.append(made);
}

/** Let a cell be as wide and high as it was, while there is room for its places. */
function span(from: Element, made: HTMLElement, drawing: Drawing): void {
  const [wide, high] = ['colspan', 'rowspan'].map(name => {
    const count = Number(from.getAttribute(name));
    return Number.isInteger(count) && count > 1 && count <= 1000 ? count : 1;
  });
  const places = wide * high - 1;
  if (places === 0 || places > drawing.nodes) {
    return;
  }
  drawing.nodes -= places;
  for (const [name, count] of Object.entries({ colspan: wide, rowspan: high })) {
    if (count > 1) {
      made.setAttribute(name, String(count));
    }
  }
}
