/*
 * Keeps a list at its end while it grows, as long as the person has not scrolled away from there.
 */

/** Pixels from the end that still count as being there. */
const NEAR = 60;

/** What a person does to move a list, or to use something in it. */
const MOVED = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

export class Stick {
  /** Watch a list from now on; one that is built anew still shows what the old one did. */
  to(scroller: HTMLElement, content: Element): void {
    this._leave();
    this._scroller = scroller;
    for (const moved of MOVED) {
      scroller.addEventListener(moved, this._free, { passive: true });
    }
    scroller.addEventListener('scroll', this._scrolled, { passive: true });
    this._observer = new ResizeObserver(() => this._follow());
    this._observer.observe(content);
    this._observer.observe(scroller);
    this._follow();
  }

  /** Go to the end, wherever the person was. */
  now(): void {
    this._anchor = null;
    this._atEnd = true;
    this._follow();
  }

  /** Show the beginning of something that is to be read before what stands at its end, until the person scrolls. */
  show(anchor: () => HTMLElement | null): void {
    this._anchor = anchor;
    this._follow();
  }

  /** Stay where the person is: what comes is above. */
  rest(): void {
    this._atEnd = false;
  }

  dispose(): void {
    this._leave();
    this._anchor = null;
  }

  private _leave(): void {
    this._observer?.disconnect();
    this._observer = null;
    this._scroller?.removeEventListener('scroll', this._scrolled);
    MOVED.forEach(moved => this._scroller?.removeEventListener(moved, this._free));
    this._scroller = null;
  }

  private _follow(): void {
    const list = this._scroller;
    if (!list) {
      return;
    }
    const anchor = this._anchor?.();
    if (anchor) {
      list.scrollTop += anchor.getBoundingClientRect().top - list.getBoundingClientRect().top;
    } else if (this._atEnd) {
      list.scrollTop = list.scrollHeight;
    }
  }

  private readonly _free = (): void => {
    if (this._anchor) {
      this._anchor = null;
      this._atEnd = false;
    }
  };

  private readonly _scrolled = (): void => {
    const list = this._scroller;
    if (list) {
      const down = list.scrollTop >= this._last;
      const near = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
      // A list that grew is away from its end without anybody having scrolled up.
      this._atEnd = near || (down && this._atEnd);
      this._last = list.scrollTop;
    }
  };

  private _scroller: HTMLElement | null = null;
  private _observer: ResizeObserver | null = null;
  private _atEnd = true;
  private _anchor: (() => HTMLElement | null) | null = null;
  private _last = 0;
}
