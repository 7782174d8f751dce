/*
 * A sandbox's HTML (mostly tables of data frames) as DOM. The text is parsed in a document that has no window, where
 * nothing is fetched and nothing runs; what is shown is built anew from a short list of elements and attributes.
 */

import { el, unturned } from './dom';
import { image, link } from './links';

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
const COUNTS: ReadonlySet<string> = new Set(['colspan', 'rowspan']);
const MAX_NODES = 20_000;
const MAX_DEPTH = 60;

/** Draw HTML that nobody vouches for. */
export function safeHtml(text: string): HTMLElement {
  const parsed = new DOMParser().parseFromString(text, 'text/html');
  const made = el('div', {
    class: 'jp-ac-html jp-ac-scroll',
    tabindex: '0',
    role: 'region',
    'aria-label': 'Output'
  });
  const budget = { nodes: MAX_NODES };
  copy(parsed.body, made, budget, 0);
  if (budget.nodes < 0) {
    made.append(el('p', { class: 'jp-ac-note', text: '… (cut)' }));
  }
  return made;
}

function copy(from: Node, to: HTMLElement, budget: { nodes: number }, depth: number): void {
  for (const node of Array.from(from.childNodes)) {
    budget.nodes -= 1;
    if (budget.nodes < 0) {
      return;
    }
    if (node.nodeType === Node.TEXT_NODE) {
      to.append(unturned(node.textContent ?? ''));
    } else if (node instanceof Element || node.nodeType === Node.ELEMENT_NODE) {
      copyElement(node as Element, to, budget, depth);
    }
  }
}

function copyElement(from: Element, to: HTMLElement, budget: { nodes: number }, depth: number): void {
  const tag = from.localName;
  if (DROPPED.has(tag) || depth > MAX_DEPTH) {
    return;
  }
  if (tag === 'img') {
    to.append(image(from.getAttribute('src') ?? '', from.getAttribute('alt') ?? ''));
    return;
  }
  if (tag === 'a') {
    const label = el('span');
    copy(from, label, budget, depth + 1);
    to.append(link(from.getAttribute('href') ?? '', label));
    return;
  }
  if (!KEPT.has(tag)) {
    copy(from, to, budget, depth + 1);
    return;
  }
  const made = document.createElement(tag);
  for (const name of COUNTS) {
    const value = Number(from.getAttribute(name));
    if (Number.isInteger(value) && value > 1 && value <= 1000) {
      made.setAttribute(name, String(value));
    }
  }
  copy(from, made, budget, depth + 1);
  to.append(made);
}
