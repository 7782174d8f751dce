/*
 * Reads a model's Markdown into `marked`'s tokens. `marked` looks at some texts again and again, or makes a million
 * cells of a few lines; here everything it does takes steps from one allowance, and what stands after the place where
 * that is spent is shown as the text it is. The count depends on the text alone, so a text is always read alike.
 */

import { Lexer, Tokenizer, type Token, type Tokens, type TokensList } from 'marked';

/** Quotes and lists in each other, and words in words. */
export const MAX_DEPTH = 24;
/** Characters of one text that are read as Markdown; a sidebar is not the place for more. */
const MAX_TEXT = 200_000;
/** A browser takes long over each change to a script that another font is looked up for, or that is read from the right. */
const MAX_CHANGES = 4_000;
const COMBINING = 0x300 >> 7;
const CHINESE_OR_KOREAN = 0x4e00 >> 7;
/** One step is a character that is looked at; so many take well under a tenth of a second. */
const MAX_STEPS = 10_000_000;
/** Steps that a node costs which is made of the text. */
const NODE = 1_000;
/** A block of code has buttons. */
const CODE = 20 * NODE;
/** A link shows where it goes. */
const LINK = 3 * NODE;
/** Steps of one try of a pattern, beside what it looks at. */
const TRY = 40;
/** `marked` goes through the first line of a list's item letter by letter. */
const LETTER = 20;
/** Characters of one paragraph, or of a run of spaces in one, that are read; patterns look at these more than once. */
const MAX_PARAGRAPH = 8_000;
const LONG_GAP = /\s{200}/;
const QUOTE = /^ {0,3}>/;
const BLANK = /\n[ \t]*\n/;
/** The first two lines of what may be a table. */
const TABLE = /^(.*)\n(?=[ -]*[:|])[ |:-]+(?:\n|$)/;

type Links = Parameters<Tokenizer['reflink']>[1];

/** A text that is shown as it is. */
export interface Verbatim extends Tokens.Generic {
  type: 'verbatim';
  raw: string;
}

/** Read a text, and show as it is what is too much. */
export function read(text: string): Token[] {
  const end = readable(text);
  const tokens: Token[] = [...new BoundedLexer().lex(text.slice(0, end))];
  if (end < text.length) {
    const before = tokens[tokens.length - 1]?.type === 'verbatim' ? tokens.pop()?.raw : '';
    tokens.push(verbatim(before + text.slice(end)));
  }
  return tokens;
}

/** How much of a text is laid out in a short time, in whole lines where it has any. */
export function readable(text: string): number {
  let changes = 0;
  let last = 0;
  let end = 0;
  while (end < text.length && end < MAX_TEXT && changes < MAX_CHANGES) {
    const found = script(text.charCodeAt(end));
    changes += found !== 0 && (found !== last || found === COMBINING) ? 1 : 0;
    last = found;
    end += 1;
  }
  return end === text.length ? end : text.lastIndexOf('\n', end - 1) + 1 || end;
}

/** About which script a character belongs to; 0 is what every font has: Latin, Greek, Cyrillic and their signs. */
function script(code: number): number {
  if (code < 0x300 || (code >= 0x370 && code < 0x530) || (code >= 0x1e00 && code < 0x2070)) {
    return 0;
  }
  const chinese = (code >= 0x2e80 && code < 0xa000) || (code >= 0xff00 && code < 0xfff0);
  const korean = code >= 0xac00 && code < 0xd7b0;
  return chinese || korean ? CHINESE_OR_KOREAN : code >> 7;
}

function verbatim(raw: string): Verbatim {
  return { type: 'verbatim', raw };
}

/** Nothing is left of an allowance. */
class Spent extends Error {}

class Allowance {
  take(steps: number): void {
    this._left -= steps;
    if (this._left < 0) {
      throw new Spent();
    }
  }

  private _left = MAX_STEPS;
}

/** A pattern whose every try takes what it looked at, and what it costs beside. */
class Counted extends RegExp {
  constructor(
    pattern: RegExp,
    private readonly _take: (steps: number) => void,
    private readonly _cost = TRY,
    private readonly _each = 1
  ) {
    super(pattern.source, pattern.flags);
  }

  override exec(text: string): RegExpExecArray | null {
    const from = this.global ? this.lastIndex : 0;
    const found = super.exec(text);
    const to = found ? found.index + found[0].length : this.global ? text.length : 0;
    this._take(this._cost + this._each * (to - from));
    return found;
  }
}

class BoundedTokenizer extends Tokenizer {
  declare lexer: BoundedLexer;

  /** `marked` tries this first, wherever a block may begin. */
  override space(src: string): Tokens.Space | undefined {
    this.lexer.step(src);
    return super.space(src);
  }

  /** `marked` tries this first, wherever a piece of a paragraph may begin. */
  override escape(src: string): Tokens.Escape | undefined {
    this.lexer.take(NODE / 4 + src.length / 4);
    return super.escape(src);
  }

  override code(src: string): Tokens.Code | undefined {
    return this._paid(super.code(src), CODE);
  }

  override fences(src: string): Tokens.Code | undefined {
    return this._paid(super.fences(src), CODE);
  }

  override link(src: string): Tokens.Link | Tokens.Image | undefined {
    return this._paid(super.link(src), LINK);
  }

  override reflink(src: string, links: Links): Tokens.Link | Tokens.Image | Tokens.Text | undefined {
    return this._paid(super.reflink(src, links), LINK);
  }

  override autolink(src: string): Tokens.Link | undefined {
    return this._paid(super.autolink(src), LINK);
  }

  override url(src: string): Tokens.Link | undefined {
    return this._paid(super.url(src), LINK);
  }

  /** A row that is shorter than the head is filled up with cells. */
  override table(src: string): Tokens.Table | undefined {
    const head = TABLE.exec(src)?.[1];
    if (head !== undefined) {
      const block = src.slice(0, extent(src));
      this.lexer.take(head.split('|').length * block.split('\n').length * NODE);
    }
    return super.table(src);
  }

  /** A quote is read anew, inside itself, for each line that goes on without a sign. */
  override blockquote(src: string): Tokens.Blockquote | undefined {
    if (!QUOTE.test(src)) {
      return undefined;
    }
    if (this._open > MAX_DEPTH) {
      return { type: 'blockquote', raw: src, text: src, tokens: [verbatim(src)] };
    }
    this._again(src);
    this._open += 1;
    try {
      return super.blockquote(src);
    } finally {
      this._open -= 1;
    }
  }

  override list(src: string): Tokens.List | undefined {
    this._again(src);
    return super.list(src);
  }

  private _again(src: string): void {
    if (this._open > 0) {
      this.lexer.take(src.length);
    }
  }

  private _paid<T>(token: T | undefined, price: number): T | undefined {
    if (token) {
      this.lexer.take(price);
    }
    return token;
  }

  private _open = 0;
}

class BoundedLexer extends Lexer {
  constructor() {
    const tokenizer = new BoundedTokenizer();
    super({ gfm: true, breaks: false, tokenizer });
    this._count(tokenizer);
  }

  /** Read all blocks, then the paragraphs in them: a definition may stand below the link that uses it. */
  override lex(src: string): TokensList {
    this._blocks(src.replace(/\r\n?/g, '\n'));
    this._allowance = new Allowance();
    const links = Object.keys(this.tokens.links).length;
    for (const { src: paragraph, tokens } of this.inlineQueue) {
      this._paragraph(paragraph, tokens, links);
    }
    this.inlineQueue = [];
    return this.tokens;
  }

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

  /** Take steps; throws Spent. */
  take(steps: number): void {
    this._allowance.take(steps);
  }

  /** A block may begin here: patterns look at most as far as the next empty line. */
  step(src: string): void {
    if (this._levels === 1) {
      this._rest = src;
      this._queued = this.inlineQueue.length;
    }
    this.take(NODE + extent(src));
  }

  private _blocks(src: string): void {
    try {
      this.blockTokens(src, this.tokens);
    } catch (error) {
      if (!(error instanceof Spent)) {
        throw error;
      }
      this.inlineQueue.length = this._queued;
      this.tokens.push(verbatim(this._rest));
    }
  }

  private _paragraph(src: string, tokens: Token[], links: number): void {
    try {
      if (src.length > MAX_PARAGRAPH || LONG_GAP.test(src)) {
        throw new Spent();
      }
      this.take(src.length + links);
      this.inlineTokens(src, tokens);
    } catch (error) {
      if (!(error instanceof Spent)) {
        throw error;
      }
      this.state.inLink = this.state.inRawBlock = false;
      tokens.splice(0, tokens.length, verbatim(src));
    }
  }

  /** Count the tries of those patterns that are tried more often than `space` and `escape` are. */
  private _count(tokenizer: Tokenizer): void {
    const { other, inline, block } = tokenizer.rules;
    const take = (steps: number): void => this.take(steps);
    const counted = (pattern: RegExp, cost?: number, each?: number): RegExp =>
      new Counted(pattern, take, cost, each);
    tokenizer.rules = {
      block,
      other: {
        ...other,
        listItemRegex: bullet => counted(other.listItemRegex(bullet), NODE, LETTER),
        nextBulletRegex: indent => counted(other.nextBulletRegex(indent), NODE / 4)
      },
      inline: {
        ...inline,
        anyPunctuation: counted(inline.anyPunctuation),
        blockSkip: counted(inline.blockSkip),
        reflinkSearch: counted(inline.reflinkSearch),
        emStrongRDelimAst: counted(inline.emStrongRDelimAst),
        emStrongRDelimUnd: counted(inline.emStrongRDelimUnd),
        delRDelim: counted(inline.delRDelim),
        _backpedal: counted(inline._backpedal)
      }
    };
  }

  private _allowance = new Allowance();
  /** Quotes and lists in each other that are open now. */
  private _levels = 0;
  /** What stood after the last block of the text itself that was read as a whole. */
  private _rest = '';
  private _queued = 0;
}

/** How far it is to the next empty line. */
function extent(src: string): number {
  const found = src.search(BLANK);
  return found < 0 ? src.length : found;
}
