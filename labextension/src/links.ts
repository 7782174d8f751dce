/*
 * Where a link goes is always shown beside it; an image that would be fetched is shown as such a link instead.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el, unturned } from './dom';

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);
const SHOWN = 80;

/** Give the absolute address of a link, or null when it is not one that may be opened. */
export function address(href: string): URL | null {
  let url: URL;
  try {
    // Without a base: a relative link would act on this Jupyter server with the person's rights.
    url = new URL(href.trim());
  } catch {
    return null;
  }
  return SCHEMES.has(url.protocol) ? url : null;
}

/** Give the part of an address that tells a person where it leads: the whole host first, never a name before an @. */
export function destination(url: URL): string {
  if (url.protocol === 'mailto:') {
    return url.pathname;
  }
  const path = url.pathname === '/' ? '' : url.pathname;
  return url.host + (path.length > SHOWN ? `${path.slice(0, SHOWN - 1)}…` : path);
}

/** Make a link that shows its destination; what may not be opened stays text. */
export function link(href: string, ...label: Node[]): Node {
  const url = address(href);
  const words = el('span', { class: 'jp-ac-words' }, ...label);
  if (url === null) {
    return words;
  }
  if (url.protocol === 'mailto:') {
    // Further recipients and a text ready to be sent would go unseen.
    url.search = '';
  }
  const anchor = el('a', {
    href: url.href,
    title: url.href,
    target: '_blank',
    rel: 'noopener noreferrer nofollow',
    referrerpolicy: 'no-referrer'
  });
  anchor.append(words);
  const where = destination(url);
  const told = (words.textContent ?? '').trim();
  const plainly = told === url.href && !url.username && !url.password;
  if (!plainly && told !== where) {
    anchor.append(el('span', { class: 'jp-ac-destination', text: ` (${where})` }));
  }
  return anchor;
}

/** Make what stands for an image: one that carries its own bytes is drawn, all others are only named. */
export function image(href: string, alt: string, trans: TranslationBundle): Node {
  return isInlineImage(href)
    ? el('img', { src: href, alt: unturned(alt), class: 'jp-ac-image' })
    : named(href, alt, trans);
}

/** Name an image, with a link to it where it may be opened. */
export function named(href: string, alt: string, trans: TranslationBundle): Node {
  const words = unturned(alt);
  const label = document.createTextNode(words ? trans.__('[image: %1]', words) : trans.__('[image]'));
  return address(href) === null ? label : link(href, label);
}

const INLINE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/;

/** Whether an address is a bitmap that carries its own bytes: nothing is fetched and nothing can run. */
export function isInlineImage(href: string): boolean {
  return INLINE_IMAGE.test(href);
}
