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

const ANSI = new RegExp(
  '\\u001b(?:\\[[0-9;?]*[A-Za-z]|\\][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)|[@-Z\\\\-_])',
  'g'
);

/** Take a terminal's control sequences out of a text. */
export function plain(text: string): string {
  return unturned(text.replace(ANSI, ''));
}
