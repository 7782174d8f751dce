/*
 * Keeps a list at its end while it grows, as long as the person has not scrolled away from there.
 */

/** Pixels from the end that still count as being there. */
const NEAR = 60;

export class Stick {
  /** Watch a list from now on. */
  to(scroller: HTMLElement, content: Element): void {
    this.dispose();
    this._scroller = scroller;
    scroller.addEventListener('scroll', this._scrolled, { passive: true });
    this._observer = new ResizeObserver(() => this._follow());
    this._observer.observe(content);
    this._observer.observe(scroller);
    this._follow();
  }

  /** Go to the end, wherever the person was. */
  now(): void {
    this._atEnd = true;
    this._follow();
  }

  /** Stay where the person is: what comes is above. */
  rest(): void {
    this._atEnd = false;
  }

  dispose(): void {
    this._observer?.disconnect();
    this._scroller?.removeEventListener('scroll', this._scrolled);
    this._scroller = null;
  }

  private _follow(): void {
    if (this._atEnd && this._scroller) {
      this._scroller.scrollTop = this._scroller.scrollHeight;
    }
  }

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
  private _last = 0;
}
