/*
 * Outputs of a sandboxed run (nbformat) as DOM. They were cleaned by the server; nothing here relies on that.
 */

import type { TranslationBundle } from '@jupyterlab/translation';

import { el, pieces, plain } from './dom';
import { safeHtml } from './html';
import { markdown } from './markdown';

export type RawOutput = Record<string, unknown>;

const BITMAPS = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;
const BASE64 = /^[A-Za-z0-9+/=\s]*$/;
const MAX_TEXT = 200_000;
/** Tags of a drawing. */
const MAX_SHAPES = 15_000;

/** Join nbformat's multi-line text; one that is too long ends in dots. */
export function joined(value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join('') : typeof value === 'string' ? value : '';
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}\n…` : text;
}

/** Add an output as the server does: a piece of a stream joins the piece before it. */
export function merged(outputs: readonly RawOutput[], output: RawOutput): RawOutput[] {
  const last = outputs[outputs.length - 1];
  if (last?.output_type === 'stream' && output.output_type === 'stream' && last.name === output.name) {
    return [...outputs.slice(0, -1), { ...last, text: joined(last.text) + joined(output.text) }];
  }
  return [...outputs, output];
}

/** Draw one output. */
export function drawOutput(output: RawOutput, trans: TranslationBundle): HTMLElement {
  switch (output.output_type) {
    case 'stream':
      return pre(joined(output.text), output.name === 'stderr' ? 'jp-ac-stderr' : 'jp-ac-stdout');
    case 'error':
      return pre(
        joined(Array.isArray(output.traceback) ? output.traceback.map(String).join('\n') : '') ||
          `${joined(output.ename)}: ${joined(output.evalue)}`,
        'jp-ac-stderr'
      );
    default:
      return bundle((output.data ?? {}) as Record<string, unknown>, trans);
  }
}

function bundle(data: Record<string, unknown>, trans: TranslationBundle): HTMLElement {
  const caption = joined(data['text/plain']).slice(0, 200);
  for (const mime of BITMAPS) {
    const bytes = joined(data[mime]);
    if (bytes && BASE64.test(bytes)) {
      return el('img', {
        class: 'jp-ac-image',
        src: `data:${mime};base64,${bytes}`,
        alt: caption || trans.__('Picture')
      });
    }
  }
  const svg = joined(data['image/svg+xml']);
  if (svg && heavy(svg)) {
    return pre(svg, 'jp-ac-stdout');
  }
  if (svg) {
    // As an image document an SVG runs no script and fetches nothing, by the HTML standard's "secure static mode".
    const src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    return el('img', { class: 'jp-ac-image', src, alt: caption || trans.__('Picture') });
  }
  if (data['text/html'] !== undefined) {
    return safeHtml(joined(data['text/html']), trans);
  }
  if (data['text/markdown'] !== undefined) {
    return markdown(joined(data['text/markdown']), trans);
  }
  if (data['application/json'] !== undefined) {
    return pre(JSON.stringify(data['application/json'], null, 2).slice(0, MAX_TEXT), 'jp-ac-stdout');
  }
  return pre(joined(data['text/plain'] ?? data['text/latex']), 'jp-ac-stdout');
}

/** Whether a drawing would hold the page up: a copy of something that holds copies doubles with each level. */
function heavy(svg: string): boolean {
  if (svg.split('<').length > MAX_SHAPES) {
    return true;
  }
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
  const copied = Array.from(parsed.getElementsByTagName('use'), target);
  return [...new Set(copied)].some(id => {
    const found = parsed.getElementById(id);
    return found !== null && (found.localName === 'use' || found.getElementsByTagName('use').length > 0);
  });
}

/** The name of what is copied. */
function target(use: Element): string {
  return (use.getAttribute('href') ?? use.getAttribute('xlink:href') ?? '').replace(/^#/, '');
}

function pre(text: string, kind: string): HTMLElement {
  return el('pre', { class: `jp-ac-output ${kind} jp-ac-scroll`, tabindex: '0' }, ...pieces(plain(text)));
}
