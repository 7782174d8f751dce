import { keepFocus } from '../src/focus';

/** A part of the page with a button in it, whose focus is kept. */
function made(): { list: HTMLElement; node: HTMLElement; inside: HTMLButtonElement } {
  const list = document.createElement('div');
  const node = document.createElement('div');
  const inside = document.createElement('button');
  node.append(inside);
  list.append(node);
  document.body.replaceChildren(list);
  keepFocus(node);
  return { list, node, inside };
}

const moment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));

describe('a part of the page that keeps the focus', () => {
  it('has it again after it was put into the page anew, as often as that happens', async () => {
    const { list, node, inside } = made();
    inside.focus();

    for (let time = 0; time < 3; time += 1) {
      list.replaceChildren(node);
      await moment();
      expect(document.activeElement).toBe(inside);
    }
  });

  it('does not take it back from a person who left', async () => {
    const { list, node, inside } = made();
    inside.focus();
    inside.blur();
    await moment();

    list.replaceChildren(node);
    await moment();

    expect(document.activeElement).toBe(document.body);
  });

  it('does not take it from another place', async () => {
    const { list, node, inside } = made();
    const other = document.createElement('input');
    document.body.append(other);
    inside.focus();
    other.focus();

    list.replaceChildren(node);
    await moment();

    expect(document.activeElement).toBe(other);
  });

  it('leaves alone what is in the page no more', async () => {
    const { list, node, inside } = made();
    inside.focus();

    inside.remove();
    list.replaceChildren(node);
    await moment();

    expect(document.activeElement).toBe(document.body);
  });
});
