import { nullTranslator } from '@jupyterlab/translation';

import type { Api } from '../src/api';
import { MAX, Tray } from '../src/attachments';
import { Kept } from '../src/kept';
import { MAX_FRAME, MAX_TEXT } from '../src/protocol';
import { Session, type Notice } from '../src/session';
import { Transport, type Socket } from '../src/transport';

const trans = nullTranslator.load('jupyter_autocoder');

/** A session whose server gives every conversation the id `c`, and whose socket never opens. */
function made(storage: Storage = localStorage): {
  session: Session;
  transport: Transport;
  notices: (Notice | null)[];
  begin: jest.Mock;
  hear: (frame: unknown) => void;
} {
  const socket: Socket = {
    readyState: 0,
    onopen: null,
    onclose: null,
    onmessage: null,
    onerror: null,
    send: () => undefined,
    close: () => undefined
  };
  const transport = new Transport({ connect: () => socket });
  const begin = jest.fn(async () => ({ id: 'c', title: '', notebook: '', created: 0, changed: 0 }));
  const api = { begin } as unknown as Api;
  const session = new Session(
    api,
    transport,
    new Tray(async texts => texts.map(() => 1)),
    new Kept(storage),
    trans
  );
  const notices: (Notice | null)[] = [];
  session.notice.connect((_, notice) => notices.push(notice));
  const hear = (frame: unknown): void => socket.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  return { session, transport, notices, begin, hear };
}

describe('a session', () => {
  afterEach(() => localStorage.clear());

  it('sends a question with what is attached, and empties the tray', async () => {
    const { session, transport } = made();
    await session.tray.add('file', 'a.csv', 'x,y');

    const taken = await session.ask('what is it?');

    expect(taken).toBe(true);
    expect(session.tray.items).toEqual([]);
    expect(transport.unconfirmed).toMatchObject([{ text: 'what is it?', attachments: [{ label: 'a.csv' }] }]);
    transport.dispose();
  });

  it('shows a conversation, and takes a draft, where the browser keeps nothing', () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      }
    } as unknown as Storage;
    const { session, transport, hear } = made(full);
    const conversation = { id: 'c', title: 't', notebook: '', created: 0, changed: 0 };
    session.open('c');

    session.keepDraft('half a question');
    hear({ type: 'snapshot', seq: 1, conversation, messages: [], more: false, model: null });

    expect(session.state.info?.title).toBe('t');
    transport.dispose();
  });

  it.each([
    ['x'.repeat(MAX_TEXT + 1), false],
    ['\u{1f600}'.repeat(MAX_TEXT), true]
  ])('keeps a message that is longer than the server takes', async (text, taken) => {
    const { session, transport, notices, begin } = made();

    expect(await session.ask(text)).toBe(taken);

    expect(begin).toHaveBeenCalledTimes(taken ? 1 : 0);
    expect(notices[notices.length - 1]?.do ?? '').toContain(taken ? '' : 'attach it as a file');
    transport.dispose();
  });

  it('takes what was typed while the conversation began along into it', async () => {
    const { session, transport } = made();
    const drafts: string[] = [];
    session.switched.connect(() => drafts.push(session.draft));

    const asked = session.ask('first');
    session.keepDraft('my next thought');
    await asked;

    expect(session.state.id).toBe('c');
    expect(drafts).toEqual(['my next thought']);
    transport.dispose();
  });

  it('shows a question at once that waits for a connection', async () => {
    const { session, transport } = made();

    await session.ask('is anybody there?');

    expect(session.state.messages).toMatchObject([{ text: 'is anybody there?', state: 'waiting' }]);
    transport.dispose();
  });

  it('gives back what was typed and what waited in a conversation that was deleted', async () => {
    const { session, transport, notices, hear } = made();
    const returned: string[] = [];
    session.returned.connect((_, text) => returned.push(text));
    await session.ask('it waits');
    session.keepDraft('a long careful question');

    hear({ type: 'gone', conversation: 'c' });

    expect(session.state.id).toBe('');
    expect(session.draft).toBe('a long careful question');
    expect(returned).toEqual(['it waits']);
    expect(notices[notices.length - 1]?.what).toContain('deleted');
    expect(Object.keys(localStorage).filter(key => key.endsWith(':c'))).toEqual([]);
    transport.dispose();
  });

  it('leaves alone what another tab typed in the same conversation', () => {
    const [one, two] = [made(), made()];
    one.session.open('c');
    two.session.open('c');
    one.session.keepDraft('short');
    two.session.keepDraft('a long careful question');

    one.session.keepDraft('');

    expect(two.session.draft).toBe('a long careful question');
    [one, two].forEach(each => each.transport.dispose());
  });

  it('keeps what no frame can hold, says so, and leaves no empty conversation behind', async () => {
    const { session, transport, notices, begin } = made();
    const wide = '\u00e9'.repeat(MAX_FRAME / 16);
    for (let number = 0; number < 10; number += 1) {
      await session.tray.add('file', `f${number}`, wide);
    }

    const taken = await session.ask('too much');

    expect(taken).toBe(false);
    expect(begin).not.toHaveBeenCalled();
    expect(session.state.id).toBe('');
    expect(transport.unconfirmed).toEqual([]);
    expect(session.tray.items).toHaveLength(10);
    expect(notices[notices.length - 1]?.what).toBe('This is too much to send at once.');
    transport.dispose();
  });

  it.each([0, 1])('measures a first question with the id it will have: %s bytes too many', async more => {
    const { session, transport, begin } = made();
    for (let number = 0; number < 10; number += 1) {
      await session.tray.add('file', `f${number}`, 'x'.repeat(100_000));
    }
    const id = '0'.repeat(32);
    const attachments = session.tray.items;
    const bare = JSON.stringify({ type: 'ask', id, conversation: id, text: '', attachments }).length;

    const taken = await session.ask('x'.repeat(MAX_FRAME - bare + more));

    expect(taken).toBe(more === 0);
    expect(begin).toHaveBeenCalledTimes(more === 0 ? 1 : 0);
    transport.dispose();
  });

  it('names what was attached meanwhile and has no room beside what comes back', async () => {
    const { session, transport, notices, begin } = made();
    for (let number = 0; number < MAX; number += 1) {
      await session.tray.add('file', `f${number}`, 'x');
    }
    begin.mockImplementation(async () => {
      await session.tray.add('file', 'f0', 'newer');
      await session.tray.add('file', 'meanwhile', 'x');
      throw new Error('The server cannot be reached.');
    });

    const taken = await session.ask('hello');

    const notice = notices[notices.length - 1];
    expect(taken).toBe(false);
    expect(session.tray.items).toHaveLength(MAX);
    expect(session.tray.items.find(item => item.label === 'f0')?.text).toBe('newer');
    expect(notice?.what).toBe('The server cannot be reached.');
    expect(notice?.do).toBe(`meanwhile: not attached any more, there are ${MAX} already.`);
    transport.dispose();
  });
});

describe('a tray', () => {
  it('takes no more than the server does, and drops nothing', async () => {
    const tray = new Tray(async texts => texts.map(() => 1));
    for (let number = 0; number < MAX; number += 1) {
      await tray.add('file', `f${number}`, 'x');
    }

    const more = await tray.add('file', 'one more', 'x');
    const again = await tray.add('file', 'f0', 'newer');

    expect(more).toBe(false);
    expect(again).toBe(true);
    expect(tray.items).toHaveLength(MAX);
    expect(tray.items[MAX - 1]).toMatchObject({ label: 'f0', text: 'newer' });
  });
});
