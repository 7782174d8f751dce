/*
 * A code block of an answer with its buttons: copy, insert below, replace cell, run in the sandbox.
 */

import type { TranslationBundle } from '@jupyterlab/translation';
import { addBelowIcon, copyIcon, editIcon, runIcon, type LabIcon } from '@jupyterlab/ui-components';

import { button, el, pieces } from '../dom';

const PYTHON: ReadonlySet<string> = new Set(['', 'python', 'py', 'python3', 'ipython']);

/** Characters; a longer code stays plain, since each of its words would become an element. */
const MAX_COLOURED = 30_000;

/** What the buttons do. */
export interface CodeActions {
  readonly trans: TranslationBundle;
  run(source: string): void;
  insertBelow(source: string): void;
  replaceCell(source: string): void;
  highlight(code: HTMLElement, source: string, language: string): void;
}

/** Draw a code block; while its fence is open it is still being written and has no buttons. */
export function codeBlock(
  source: string,
  language: string,
  closed: boolean,
  actions: CodeActions
): HTMLElement {
  const { trans } = actions;
  const code = el('code', {}, ...(source.length > MAX_COLOURED ? pieces(source) : [source]));
  const block = el(
    'div',
    { class: 'jp-ac-code-block' },
    el('pre', { class: 'jp-ac-code jp-ac-scroll', tabindex: '0', 'aria-label': trans.__('Code') }, code)
  );
  if (!closed) {
    return block;
  }
  if (source.length <= MAX_COLOURED) {
    // Each in a task of its own: a conversation that is opened again may hold a hundred of them.
    setTimeout(() => actions.highlight(code, source, language || 'python'));
  }
  const bar = el('div', {
    class: 'jp-ac-code-bar',
    role: 'toolbar',
    'aria-label': trans.__('What to do with this code')
  });
  const copied = el('span', { class: 'jp-ac-sr', role: 'status' });
  bar.append(
    iconButton(copyIcon, trans.__('Copy'), () => {
      void navigator.clipboard.writeText(source).then(() => {
        copied.textContent = trans.__('Copied');
      });
    }),
    iconButton(addBelowIcon, trans.__('Insert below the active cell'), () => actions.insertBelow(source)),
    iconButton(editIcon, trans.__('Replace the active cell'), () => actions.replaceCell(source))
  );
  if (PYTHON.has(language)) {
    const run = iconButton(runIcon, trans.__('Run in the sandbox'), () => actions.run(source));
    run.append(el('span', { text: trans.__('Run') }));
    run.classList.add('jp-ac-run-button');
    bar.append(run);
  }
  bar.append(copied);
  block.append(bar);
  return block;
}

function iconButton(icon: LabIcon, label: string, act: () => void): HTMLButtonElement {
  const image = icon.element({ tag: 'span', height: '16px', width: '16px' });
  image.setAttribute('aria-hidden', 'true');
  return button(label, act, image);
}
