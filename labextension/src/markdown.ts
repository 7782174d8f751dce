/*
 * A model's Markdown as DOM. `marked` only reads it into tokens; every node is made here from a short list of elements,
 * without a single attribute from the text. HTML in the text is shown as the text it is.
 *
 * While an answer streams, the blocks that did not change keep their nodes: only the tail is drawn anew.
 */

import { Lexer, Tokenizer, type Token, type Tokens, type TokensList } from 'marked';

import { el, unturned } from './dom';
import { image, link } from './links';

const MAX_DEPTH = 24;
/** Characters of one text that are read as Markdown; a sidebar is not the place for more. */
const MAX_TEXT = 200_000;
/** `marked` looks from each mark to the end of its paragraph: this is how many steps one paragraph may take. */
const MAX_STEPS = 2_000_000;
const MARKS = /[*_~[\]`!<\\&@]/g;
/** In a run this long it looks for an address from each of its letters on. */
const LONG_RUN = /\S{2000}/;
const QUOTE = /^ {0,3}>/;
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

/** Make a plain code block without buttons. */
export const plainCode: CodeBlock = code => el('pre', { class: 'jp-ac-code' }, el('code', { text: code }));

/** Keeps the nodes of one text that grows. */
export class MarkdownView {
  readonly node = el('div', { class: 'jp-ac-markdown' });

  constructor(private readonly _code: CodeBlock = plainCode) {}

  /** Show a text; nodes of blocks that are the same as before stay as they are. */
  show(text: string): void {
    const tokens = read(unturned(text)).filter(token => token.type !== 'space');
    const raws = tokens.map(token => token.raw);
    let same = 0;
    while (same < raws.length && same < this._raws.length && raws[same] === this._raws[same]) {
      same += 1;
    }
    while (this.node.childNodes.length > same) {
      this.node.lastChild?.remove();
    }
    for (const token of tokens.slice(same)) {
      this.node.append(block(token, this._code, 0));
    }
    this._raws = raws;
  }

  private _raws: string[] = [];
}

/** Draw a text once. */
export function markdown(text: string, code: CodeBlock = plainCode): HTMLElement {
  const view = new MarkdownView(code);
  view.show(text);
  return view.node;
}

/** `marked` reads a quote anew, inside itself, for each line that goes on without a sign: so many times at most. */
class BoundedTokenizer extends Tokenizer {
  override blockquote(src: string): Tokens.Blockquote | undefined {
    if (this._open > MAX_DEPTH && QUOTE.test(src)) {
      return { type: 'blockquote', raw: src, text: src, tokens: [verbatim(src)] };
    }
    this._open += 1;
    try {
      return super.blockquote(src);
    } finally {
      this._open -= 1;
    }
  }

  private _open = 0;
}

/** Reads only what takes a bounded time, level by level and paragraph by paragraph; the rest is shown as its text. */
class BoundedLexer extends Lexer {
  override blockTokens(src: string, tokens: Token[] = [], lastParagraphClipped = false): TokensList {
    if (this._levels > MAX_DEPTH) {
      tokens.push(verbatim(src));
      return tokens as TokensList;
    }
    this._levels += 1;
    try {
      return super.blockTokens(src, tokens, lastParagraphClipped) as TokensList;
    } finally {
      this._levels -= 1;
    }
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    const marks = src.match(MARKS)?.length ?? 0;
    if (src.length * marks > MAX_STEPS || LONG_RUN.test(src)) {
      tokens.push(verbatim(src));
      return tokens;
    }
    return super.inlineTokens(src, tokens);
  }

  /** Quotes and lists in each other that are open now. */
  private _levels = 0;
}

function read(text: string): Token[] {
  const head = text.slice(0, MAX_TEXT);
  const rest = text.slice(MAX_TEXT);
  const tail: Token[] = rest ? [verbatim(rest)] : [];
  const lexer = new BoundedLexer({ gfm: true, breaks: false, tokenizer: new BoundedTokenizer() });
  return [...lexer.lex(head), ...tail];
}

/** Make a token of a text that is shown as it is. */
function verbatim(text: string): Tokens.Text {
  return { type: 'text', raw: text, text, escaped: true };
}

function blocks(tokens: readonly Token[] | undefined, code: CodeBlock, depth: number): Node[] {
  return (tokens ?? []).filter(token => token.type !== 'space').map(token => block(token, code, depth));
}

function block(token: Token, code: CodeBlock, depth: number): Node {
  if (depth > MAX_DEPTH) {
    return el('p', { text: token.raw });
  }
  switch (token.type) {
    case 'heading': {
      const heading = token as Tokens.Heading;
      // The page has its own h1 and h2; an answer's headings stand below them.
      return el(HEADINGS[heading.depth - 1] ?? 'h6', {}, ...inlines(heading.tokens, depth + 1));
    }
    case 'code': {
      const fenced = token as Tokens.Code;
      return code(fenced.text, (fenced.lang ?? '').split(/\s/)[0].toLowerCase(), isClosed(fenced.raw));
    }
    case 'blockquote':
      return el('blockquote', {}, ...blocks((token as Tokens.Blockquote).tokens, code, depth + 1));
    case 'list':
      return list(token as Tokens.List, code, depth);
    case 'table':
      return table(token as Tokens.Table, depth);
    case 'hr':
      return el('hr');
    case 'paragraph':
      return el('p', {}, ...inlines((token as Tokens.Paragraph).tokens, depth + 1));
    case 'text': {
      const text = token as Tokens.Text;
      return el('p', {}, ...(text.tokens ? inlines(text.tokens, depth + 1) : [decoded(text.text)]));
    }
    case 'def':
      return document.createComment('');
    default:
      return el('p', { text: token.raw });
  }
}

function list(token: Tokens.List, code: CodeBlock, depth: number): HTMLElement {
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
        row.append(...(text.tokens ? inlines(text.tokens, depth + 1) : [decoded(text.text)]));
      } else if (part.type !== 'space' && part.type !== 'checkbox') {
        row.append(block(part, code, depth + 1));
      }
    }
    made.append(row);
  }
  return made;
}

function table(token: Tokens.Table, depth: number): HTMLElement {
  const row = (cells: readonly Tokens.TableCell[], tag: 'th' | 'td'): HTMLElement =>
    el('tr', {}, ...cells.map(cell => el(tag, {}, ...inlines(cell.tokens, depth + 1))));
  return el(
    'div',
    { class: 'jp-ac-scroll', tabindex: '0', role: 'region', 'aria-label': 'Table' },
    el(
      'table',
      {},
      el('thead', {}, row(token.header, 'th')),
      el('tbody', {}, ...token.rows.map(cells => row(cells, 'td')))
    )
  );
}

function inlines(tokens: readonly Token[] | undefined, depth: number): Node[] {
  return (tokens ?? []).map(token => inline(token, depth));
}

function inline(token: Token, depth: number): Node {
  if (depth > MAX_DEPTH) {
    return document.createTextNode(token.raw);
  }
  switch (token.type) {
    case 'strong':
      return el('strong', {}, ...inlines((token as Tokens.Strong).tokens, depth + 1));
    case 'em':
      return el('em', {}, ...inlines((token as Tokens.Em).tokens, depth + 1));
    case 'del':
      return el('del', {}, ...inlines((token as Tokens.Del).tokens, depth + 1));
    case 'codespan':
      return el('code', { text: (token as Tokens.Codespan).text });
    case 'br':
      return el('br');
    case 'link': {
      const found = token as Tokens.Link;
      return link(found.href, ...inlines(found.tokens, depth + 1));
    }
    case 'image': {
      const found = token as Tokens.Image;
      return image(found.href, found.text);
    }
    case 'escape':
      return document.createTextNode((token as Tokens.Escape).text);
    case 'text': {
      const text = token as Tokens.Text;
      return text.tokens ? el('span', {}, ...inlines(text.tokens, depth + 1)) : decoded(text.text);
    }
    default:
      return document.createTextNode(token.raw);
  }
}

/** Make a text node of a text in which `&amp;` stands for an ampersand. */
function decoded(text: string): Text {
  return document.createTextNode(
    text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
      if (name !== undefined) {
        return ENTITIES[name as string] ?? whole;
      }
      const point = decimal !== undefined ? Number(decimal) : parseInt(hex as string, 16);
      return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    })
  );
}

function isClosed(raw: string): boolean {
  const fence = /^\s*(`{3,}|~{3,})/.exec(raw);
  return fence === null || new RegExp(`\\n\\s*${fence[1]}\\s*$`).test(raw);
}
