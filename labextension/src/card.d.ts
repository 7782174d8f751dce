/* The card's own module, shared with the notebook's widget; it is drawn by the same code everywhere. */
declare module '*/widgets/card.js' {
  export interface Port {
    send(message: Record<string, unknown>): void;
    listen(act: (message: Record<string, unknown>) => void): () => void;
  }
  export function mount(el: HTMLElement, port: Port): () => void;
}
