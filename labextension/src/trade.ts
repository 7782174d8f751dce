/*
 * A ticket's card in the sidebar. What is drawn and what a click sends is the shared card's; here is only its port: the
 * server's endpoint, which takes the browser's login cookie with its XSRF token and never an API token.
 */

import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { mount } from '../../jupyter_autocoder/widgets/card.js';
import { button, el } from './dom';
import type { Session } from './session';

/** Milliseconds between two looks at a ticket that may move elsewhere: in the notebook, in another program. */
const LOOK = 500;

interface Told {
  kind: string;
  card?: { id: string; hash: string; state: string; done: boolean; successor?: string };
  problem?: string;
}

export class Trade {
  constructor(
    private readonly _session: Session,
    private readonly _settings: ServerConnection.ISettings,
    private readonly _trans: TranslationBundle
  ) {}

  /** Draw a ticket's card; it follows the ticket until it is done. */
  card(ticket: string): HTMLElement {
    const box = el('div', { class: 'jp-ac-ticket' });
    const frame = el('div');
    const halt = this._haltButton();
    box.append(frame, halt);
    this._mount(frame, ticket, () => halt.remove());
    return box;
  }

  /** Stop all trading; to go on again is not a sidebar's to do. */
  async halt(): Promise<void> {
    const { _trans: trans } = this;
    try {
      await this._post('trading', { state: 'halted' });
      this._session.tell(
        trans.__('All trading is halted.'),
        trans.__('“jupyter autocoder trading active” resumes it.')
      );
    } catch (error) {
      this._session.tell(
        (error as Error).message,
        trans.__('Run “jupyter autocoder trading halted” in a terminal.')
      );
    }
  }

  private _haltButton(): HTMLElement {
    const label = this._trans.__('Halt all trading');
    const made = button(label, () => void this.halt(), label);
    made.classList.add('jp-ac-halt');
    return made;
  }

  private _mount(frame: HTMLElement, first: string, ended: () => void): void {
    let ticket = first;
    let seen = '';
    let drawn = '';
    let done = false;
    let listener: (message: Record<string, unknown>) => void = () => undefined;
    const hear = (told: Told): void => {
      if (told.card) {
        ticket = told.card.id;
        done = told.card.done;
        if (done) {
          ended();
        }
        seen = `${told.card.hash} ${told.card.state} ${told.card.successor ?? ''}`;
      }
      const message = told as unknown as Record<string, unknown>;
      listener(message);
      if (seen !== drawn) {
        // Said once more, unchanged, it also takes away the card's words about waiting.
        drawn = seen;
        listener({ ...message, problem: undefined });
      }
    };
    const send = (message: Record<string, unknown>): void => {
      this._post<Told>(`tickets/${ticket}`, message).then(hear, (error: Error) => {
        // The card shows by itself that nothing answers; a refusal of the server is told beside it.
        this._session.tell(error.message, '');
      });
    };
    const moved = (_: unknown, which: string): void => {
      if (which === ticket || which === '') {
        send({ kind: 'draw' });
      }
    };
    const look = async (): Promise<void> => {
      const { card } = { card: await this._get<NonNullable<Told['card']>>(`tickets/${ticket}`) };
      if (`${card.hash} ${card.state} ${card.successor ?? ''}` !== seen) {
        send({ kind: 'draw' });
      }
    };
    const unmount = mount(frame, {
      send,
      listen: act => {
        listener = act;
        return () => undefined;
      }
    });
    this._session.ticketMoved.connect(moved);
    let shown = false;
    const watch = setInterval(() => {
      shown ||= frame.isConnected;
      if (shown && !frame.isConnected) {
        clearInterval(watch);
        this._session.ticketMoved.disconnect(moved);
        unmount();
      } else if (!done && frame.isConnected && !document.hidden) {
        look().catch(() => undefined);
      }
    }, LOOK);
  }

  private _get<T>(path: string): Promise<T> {
    return this._session.api.request<T>('GET', path);
  }

  /** Send by cookie alone: JupyterLab's own requests carry the API token, which is no proof of a person here. */
  private async _post<T>(path: string, body: unknown): Promise<T> {
    const response = await fetch(`${URLExt.join(this._settings.baseUrl, 'jupyter_autocoder')}/${path}`, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-XSRFToken': cookie('_xsrf') },
      body: JSON.stringify(body)
    });
    const told = (await response.json().catch(() => ({}))) as T & { message?: string };
    if (!response.ok) {
      throw new Error(told.message ?? this._trans.__('The server answered %1.', response.status));
    }
    return told;
  }
}

function cookie(name: string): string {
  const found = document.cookie.split('; ').find(part => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
}
