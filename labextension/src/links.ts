/*
 * Where a link goes is always shown beside it; an image that would be fetched is shown as such a link instead.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el } from './dom';

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

/** Give the part of an address that tells a person where it leads: the host first, never a name before an @. */
export function destination(url: URL): string {
  const shown =
    url.protocol === 'mailto:' ? url.pathname : `${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  return shown.length > SHOWN ? `${shown.slice(0, SHOWN - 1)}…` : shown;
}

/** Make a link that shows its destination; what may not be opened stays text. */
export function link(href: string, ...label: Node[]): Node {
  const url = address(href);
  const words = el('span', {}, ...label);
  if (url === null) {
    return words;
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
  if ((words.textContent ?? '').trim() !== url.href && (words.textContent ?? '').trim() !== where) {
    anchor.append(el('span', { class: 'jp-ac-destination', text: ` (${where})` }));
  }
  return anchor;
}

/** Make what stands for an image: pictures in the text itself are drawn, all others are only named. */
export function image(href: string, alt: string, trans: TranslationBundle): Node {
  if (isInlineImage(href)) {
    return el('img', { src: href, alt, class: 'jp-ac-image' });
  }
  const label = document.createTextNode(alt ? trans.__('[image: %1]', alt) : trans.__('[image]'));
  return address(href) === null ? label : link(href, label);
}

const INLINE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/;

/** Whether an address is a bitmap that carries its own bytes: nothing is fetched and nothing can run. */
export function isInlineImage(href: string): boolean {
  return INLINE_IMAGE.test(href);
}
