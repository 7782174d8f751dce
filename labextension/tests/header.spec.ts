import { nullTranslator } from '@jupyterlab/translation';

import { Tray } from '../src/attachments';
import { Header } from '../src/components/header';
import { TrayRow } from '../src/components/tray';
import type { Conversation } from '../src/protocol';

// Its pictures are files that only the bundler can load.
jest.mock('@jupyterlab/ui-components', () => {
  const icon = { element: () => document.createElement('span') };
  return { addIcon: icon, caretDownIcon: icon, ellipsesIcon: icon };
});

const trans = nullTranslator.load('');
const turned: Conversation = {
  id: 'c',
  title: 'about \u202etxt.exe',
  notebook: 'a\u2066b',
  created: 0,
  changed: 0
};
const TURNING = /[\u202a-\u202e\u2066-\u2069]/;

function header(): Header {
  return new Header({
    trans,
    list: async () => [turned],
    open: () => undefined,
    blank: () => undefined,
    menu: () => undefined
  });
}

describe('a title that turns the direction of the text', () => {
  it('is named in the header and in the list, and nothing of it is turned', async () => {
    const made = header();
    made.name(turned);
    made.node.querySelector<HTMLButtonElement>('.jp-ac-choose')?.click();
    await new Promise(resolve => setTimeout(resolve));

    expect(made.node.querySelector('.jp-ac-title')?.textContent).toBe('about ⟨U+202E⟩txt.exe');
    expect(made.node.querySelector('.jp-ac-row-title')?.textContent).toBe('about ⟨U+202E⟩txt.exe');
    expect(made.node.outerHTML).not.toMatch(TURNING);
  });

  it('is laid out in its own direction', () => {
    expect(header().node.querySelector('.jp-ac-title')?.getAttribute('dir')).toBe('auto');
  });
});

describe('the row of attachments', () => {
  it('names what would turn a label, and keeps the focus on a chip whose size is told later', async () => {
    let count: (tokens: number[]) => void = () => undefined;
    const tray = new Tray(() => new Promise(resolve => (count = resolve)));
    const row = new TrayRow(tray, { trans, ways: [{ label: 'file', act: () => undefined }] });
    document.body.replaceChildren(row.node);
    const added = tray.add('file', 'a\u202eb.txt', 'words \u202e');
    row.node.querySelector<HTMLButtonElement>('.jp-ac-remove')?.focus();
    count([4711]);
    await added;

    expect(row.node.textContent).toContain('a⟨U+202E⟩b.txt · 4.7k tokens');
    expect(row.node.outerHTML).not.toMatch(TURNING);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Remove a⟨U+202E⟩b.txt');
  });
});
