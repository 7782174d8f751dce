/*
 * A model's Markdown as DOM. `marked` only reads it into tokens; every node is made here from a short list of elements,
 * without a single attribute from the text. HTML in the text is shown as the text it is.
 *
 * While an answer streams, the blocks that did not change keep their nodes: only the tail is drawn anew.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Token, Tokens } from 'marked';

import { el, pieces, unturned } from './dom';
import { link, named } from './links';
import { MAX_DEPTH, read } from './reading';

/** So many blocks, or characters, of an answer are laid out at once; after them only what is in sight. */
const NEAR_BLOCKS = 100;
const NEAR_TEXT = 20_000;
/** Characters on a line of the sidebar, about. */
const LINE = 50;
/** Marks the last block of a text that goes on: it is drawn anew at the end, even if it is the same then. */
const GROWS = '\u0000';
const HEADINGS = ['h3', 'h4', 'h5', 'h6', 'h6', 'h6'] as const;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  copy: '©',
  times: '×',
  rarr: '→',
  larr: '←',
  le: '≤',
  ge: '≥'
};

/** Makes the node of a code block; the panel adds its buttons there. */
export type CodeBlock = (code: string, language: string, closed: boolean) => HTMLElement;

/** What the nodes of a text are made with. */
interface Making {
  readonly trans: TranslationBundle;
  readonly code: CodeBlock;
  /** Whether nothing more comes: a fence that is open then is closed by the text's end. */
  readonly whole: boolean;
}

/** Make a plain code block without buttons. */
export const plainCode: CodeBlock = code => el('pre', { class: 'jp-ac-code' }, el('code', { text: code }));

/** Keeps the nodes of one text that grows. */
export class MarkdownView {
  readonly node = el('div', { class: 'jp-ac-markdown' });

  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _code: CodeBlock = plainCode
  ) {}

  /** Show a text, or as much of it as there is; nodes of blocks that are the same as before stay as they are. */
  show(text: string, { whole = true } = {}): void {
    const making = { trans: this._trans, code: this._code, whole };
    const tokens = read(unturned(text)).filter(token => token.type !== 'space');
    const raws = tokens.map(token => token.raw);
    const last = tokens[tokens.length - 1];
    if (last && !whole && !(last.type === 'code' && isClosed(last.raw))) {
      raws[raws.length - 1] += GROWS;
    }
    let same = 0;
    while (same < raws.length && same < this._raws.length && raws[same] === this._raws[same]) {
      same += 1;
    }
    while (this.node.childNodes.length > same) {
      this.node.lastChild?.remove();
    }
    let before = 0;
    for (const [index, token] of tokens.entries()) {
      if (index >= same) {
        const made = block(token, making, 0);
        this.node.append(index < NEAR_BLOCKS && before < NEAR_TEXT ? made : far(made, token.raw));
      }
      before += token.raw.length;
    }
    this._raws = raws;
  }

  private _raws: string[] = [];
}

/** Draw a text once. */
export function markdown(text: string, trans: TranslationBundle, code: CodeBlock = plainCode): HTMLElement {
  const view = new MarkdownView(trans, code);
  view.show(text);
  return view.node;
}

function far(made: Node, raw: string): Node {
  if (made instanceof HTMLElement) {
    made.classList.add('jp-ac-far');
    // About as high as it will be, so that not all are in sight at first.
    made.style.setProperty('contain-intrinsic-size', `auto ${Math.ceil(raw.length / LINE) * 1.5}em`);
  }
  return made;
}

function blocks(tokens: readonly Token[] | undefined, making: Making, depth: number): Node[] {
  return (tokens ?? []).filter(token => token.type !== 'space').map(token => block(token, making, depth));
}

function block(token: Token, making: Making, depth: number): Node {
  if (depth > MAX_DEPTH) {
    return el('p', { text: token.raw });
  }
  switch (token.type) {
    case 'heading': {
      const heading = token as Tokens.Heading;
      // The page has its own h1 and h2; an answer's headings stand below them.
      return el(HEADINGS[heading.depth - 1] ?? 'h6', {}, ...inlines(heading.tokens, making, depth + 1));
    }
    case 'code': {
      const fenced = token as Tokens.Code;
      return making.code(
        fenced.text,
        (fenced.lang ?? '').split(/\s/)[0].toLowerCase(),
        making.whole || isClosed(fenced.raw)
      );
    }
    case 'blockquote':
      return el('blockquote', {}, ...blocks((token as Tokens.Blockquote).tokens, making, depth + 1));
    case 'list':
      return list(token as Tokens.List, making, depth);
    case 'table':
      return table(token as Tokens.Table, making, depth);
    case 'hr':
      return el('hr');
    case 'paragraph':
      return el('p', {}, ...inlines((token as Tokens.Paragraph).tokens, making, depth + 1));
    case 'text': {
      const text = token as Tokens.Text;
      return el('p', {}, ...(text.tokens ? inlines(text.tokens, making, depth + 1) : [decoded(text.text)]));
    }
    case 'def':
      return document.createComment('');
    case 'verbatim':
      return el('p', { class: 'jp-ac-verbatim' }, ...pieces(token.raw));
    default:
      return el('p', { text: token.raw });
  }
}

function list(token: Tokens.List, making: Making, depth: number): HTMLElement {
  const made = token.ordered ? el('ol') : el('ul');
  if (token.ordered && typeof token.start === 'number' && token.start !== 1) {
    made.setAttribute('start', String(token.start));
  }
  for (const item of token.items) {
    const row = el('li');
    if (item.task) {
      row.append(item.checked ? '☑ ' : '☐ ');
    }
    for (const part of item.tokens) {
      // A tight item is text and not a paragraph.
      if (part.type === 'text' && !item.loose) {
        const text = part as Tokens.Text;
        row.append(...(text.tokens ? inlines(text.tokens, making, depth + 1) : [decoded(text.text)]));
      } else if (part.type !== 'space' && part.type !== 'checkbox') {
        row.append(block(part, making, depth + 1));
      }
    }
    made.append(row);
  }
  return made;
}

function table(token: Tokens.Table, making: Making, depth: number): HTMLElement {
  const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td'): HTMLElement =>
    el('tr', {}, ...cells.map(cell => el(tag, {}, ...inlines(cell.tokens, making, depth + 1))));
  return el(
    'div',
    { class: 'jp-ac-scroll', tabindex: '0', role: 'region', 'aria-label': making.trans.__('Table') },
    el(
      'table',
      {},
      el('thead', {}, row(token.header, 'th')),
      el('tbody', {}, ...token.rows.map(cells => row(cells, 'td')))
    )
  );
}

function inlines(tokens: readonly Token[] | undefined, making: Making, depth: number): Node[] {
  return (tokens ?? []).map(token => inline(token, making, depth));
}

function inline(token: Token, making: Making, depth: number): Node {
  if (depth > MAX_DEPTH) {
    return document.createTextNode(token.raw);
  }
  switch (token.type) {
    case 'strong':
      return el('strong', {}, ...inlines((token as Tokens.Strong).tokens, making, depth + 1));
    case 'em':
      return el('em', {}, ...inlines((token as Tokens.Em).tokens, making, depth + 1));
    case 'del':
      return el('del', {}, ...inlines((token as Tokens.Del).tokens, making, depth + 1));
    case 'codespan':
      return el('code', { text: (token as Tokens.Codespan).text });
    case 'br':
      return el('br');
    case 'link': {
      const found = token as Tokens.Link;
      return link(found.href, ...inlines(found.tokens, making, depth + 1));
    }
    case 'image': {
      const found = token as Tokens.Image;
      // Not even one that carries its own bytes: a model could draw the card of a trade with it.
      return named(found.href, found.text, making.trans);
    }
    case 'escape':
      return document.createTextNode((token as Tokens.Escape).text);
    case 'text': {
      const text = token as Tokens.Text;
      return text.tokens ? el('span', {}, ...inlines(text.tokens, making, depth + 1)) : decoded(text.text);
    }
    case 'verbatim':
      return el('span', {}, ...pieces(token.raw));
    default:
      return document.createTextNode(token.raw);
  }
}

/** Make a text node of a text in which `&amp;` stands for an ampersand. */
function decoded(text: string): Text {
  const characters = text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi,
    (whole, decimal, hex, name) => {
      if (name !== undefined) {
        return ENTITIES[name as string] ?? whole;
      }
      const point = decimal !== undefined ? Number(decimal) : parseInt(hex as string, 16);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    }
  );
  return document.createTextNode(unturned(characters));
}

function isClosed(raw: string): boolean {
  const fence = /^\s*(`{3,}|~{3,})/.exec(raw);
  return fence === null || new RegExp(`\\n\\s*${fence[1]}\\s*$`).test(raw);
}
