/*
 * Building DOM by hand: texts go in as text nodes, so nothing that a model or a sandbox wrote is ever parsed as HTML.
 */

export type Child = Node | string | null | undefined;

export interface Attributes {
  class?: string;
  title?: string;
  text?: string;
  [name: string]: string | undefined;
}

/** Make an element; `attributes` are ours alone, never anything that came from outside. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) {
      continue;
    }
    if (name === 'text') {
      made.textContent = value;
    } else {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return made;
}

/** Make a button that does something; its label is read out and shown as a tooltip, without one its own text is. */
export function button(
  label: string,
  act: (event: MouseEvent) => void,
  ...children: Child[]
): HTMLButtonElement {
  const named = label ? { title: label, 'aria-label': label } : {};
  const made = el('button', { type: 'button', class: 'jp-ac-button', ...named }, ...children);
  made.addEventListener('click', event => {
    event.stopPropagation();
    act(event);
  });
  return made;
}

const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** Name the characters that turn the direction of a text round: with them a text can look like another one. */
export function unturned(text: string): string {
  return text.replace(TURNING, found => `⟨U+${found.charCodeAt(0).toString(16).toUpperCase()}⟩`);
}

/** Characters of a text that a browser lays out at once; it takes long over some scripts, and longer the more there are. */
const PIECE = 1000;

/** Cut a long text into pieces, at the ends of its lines or words where it has any; those out of sight take no time. */
export function pieces(text: string): Node[] {
  if (text.length <= 4 * PIECE) {
    return [document.createTextNode(text)];
  }
  const made: Node[] = [];
  for (let from = 0; from < text.length;) {
    const to = pieceEnd(text, from);
    made.push(el('span', { class: 'jp-ac-piece', text: text.slice(from, to) }));
    from = to;
  }
  return made;
}

function pieceEnd(text: string, from: number): number {
  const to = from + PIECE;
  if (to >= text.length) {
    return text.length;
  }
  const half = text.slice(to - PIECE / 2, to);
  for (const mark of ['\n', ' ']) {
    const found = half.lastIndexOf(mark);
    if (found >= 0) {
      return to - PIECE / 2 + found + 1;
    }
  }
  // Never between the two halves of one character.
  return /[\udc00-\udfff]/.test(text[to]) ? to - 1 : to;
}

const ANSI = new RegExp(
  '\\u001b(?:\\[[0-9;?]*[A-Za-z]|\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)|[@-Z\\\\-_])',
  'g'
);

/** Take a terminal's control sequences out of a text. */
export function plain(text: string): string {
  return unturned(text.replace(ANSI, ''));
}
