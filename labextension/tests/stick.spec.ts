import { Stick } from '../src/stick';

class NoObserver {
  observe(): void {}
  disconnect(): void {}
}

/** A list whose end is at 1000 pixels. */
function list(): HTMLElement {
  const made = document.createElement('div');
  Object.defineProperty(made, 'scrollHeight', { value: 1000 });
  return made;
}

describe('a list that stays at its end', () => {
  beforeAll(() => Object.assign(globalThis, { ResizeObserver: NoObserver }));

  it('shows the beginning of something until the person moves it', () => {
    const stick = new Stick();
    const scroller = list();
    stick.to(scroller, document.createElement('div'));
    const anchor = jest.fn(() => document.createElement('div'));

    stick.show(anchor);
    scroller.dispatchEvent(new Event('wheel'));
    stick.now();

    expect(anchor).toHaveBeenCalledTimes(1);
    expect(scroller.scrollTop).toBe(1000);
  });

  it('still shows it in a list that is built anew', () => {
    const stick = new Stick();
    const anchor = jest.fn(() => document.createElement('div'));
    stick.show(anchor);
    stick.to(list(), document.createElement('div'));
    const next = list();

    stick.to(next, document.createElement('div'));

    expect(anchor).toHaveBeenCalledTimes(2);
    expect(next.scrollTop).toBe(0);
  });

  it('lets go of what it showed when it is disposed of', () => {
    const stick = new Stick();
    const anchor = jest.fn(() => document.createElement('div'));
    stick.show(anchor);
    const next = list();

    stick.dispose();
    stick.to(next, document.createElement('div'));

    expect(anchor).not.toHaveBeenCalled();
    expect(next.scrollTop).toBe(1000);
  });
});
