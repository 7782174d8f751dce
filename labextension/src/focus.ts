/*
 * The keyboard's focus, where others rebuild the page around it.
 */

/** Keep the focus on what has it inside `node`, also when somebody takes `node` out of the page and puts it back at once. */
export function keepFocus(node: HTMLElement): void {
  let held: HTMLElement | null = null;
  const back = new MutationObserver(() => {
    if (held && node.contains(held) && document.activeElement === document.body) {
      held.focus({ preventScroll: true });
    }
  });
  node.addEventListener('focusin', event => {
    held = event.target as HTMLElement;
    if (node.parentElement) {
      back.observe(node.parentElement, { childList: true });
    }
  });
  node.addEventListener('focusout', () => {
    const left = held;
    // A browser may also say this of a node that is taken out; what observes it hears of that first.
    setTimeout(() => {
      if (held === left && document.activeElement !== left) {
        held = null;
        back.disconnect();
      }
    });
  });
}
