import { Kept } from '../src/kept';
import type { Message, ServerFrame } from '../src/protocol';
import { ConversationState } from '../src/state';
import { Transport, type Socket } from '../src/transport';

class FakeSocket implements Socket {
  readyState = 1;
  sent: Record<string, unknown>[] = [];
  onopen: Socket['onopen'] = null;
  onclose: Socket['onclose'] = null;
  onmessage: Socket['onmessage'] = null;
  onerror: Socket['onerror'] = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }

  hear(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) } as MessageEvent);
  }

  lose(): void {
    this.readyState = 3;
    this.onclose?.({} as CloseEvent);
  }
}

const WELCOME = { type: 'welcome', protocol: 1, version: '0', user: 'ann' };
const INFO = { id: 'c', title: 't', notebook: '', created: 0, changed: 0 };

function message(id: string, more: Partial<Message> = {}): Message {
  return {
    id,
    role: 'model',
    text: '',
    time: 0,
    state: 'writing',
    attachments: [],
    footer: null,
    problem: null,
    executions: [],
    ticket: '',
    ...more
  };
}

describe('Transport', () => {
  let sockets: FakeSocket[];
  let transport: Transport;
  const last = (): FakeSocket => sockets[sockets.length - 1];

  beforeEach(() => {
    jest.useFakeTimers();
    sockets = [];
    transport = new Transport({
      connect: () => {
        sockets.push(new FakeSocket());
        return last();
      },
      shortest: 100,
      longest: 1000
    });
  });

  afterEach(() => {
    transport.dispose();
    jest.useRealTimers();
  });

  it('sends nothing before the server has said welcome', () => {
    transport.follow('c');
    expect(last().sent).toEqual([]);
    last().hear(WELCOME);
    expect(last().sent).toEqual([{ type: 'open', conversation: 'c' }]);
  });

  it('comes back by itself, opens what was followed and sends again what was not confirmed', () => {
    last().hear(WELCOME);
    transport.follow('c');
    const ask = { type: 'ask' as const, id: 'q', conversation: 'c', text: 'hi', attachments: [] };
    transport.ask(ask);
    last().lose();
    expect(transport.connected).toBe(false);
    jest.advanceTimersByTime(150);
    last().hear(WELCOME);
    expect(last().sent).toEqual([{ type: 'open', conversation: 'c' }, ask]);
  });

  it.each<[string, ServerFrame]>([
    ['its message', { type: 'put', conversation: 'c', seq: 1, message: message('q') }],
    ['a snapshot with it', { type: 'snapshot', conversation: INFO, messages: [message('q')], seq: 1 }],
    [
      'a refusal',
      { type: 'refused', request: 'q', conversation: 'c', problem: { kind: '', what: '', why: '', do: '' } }
    ],
    ['the end of its conversation', { type: 'gone', conversation: 'c' }]
  ])('sends once what was confirmed by %s', (_, frame) => {
    last().hear(WELCOME);
    transport.ask({ type: 'ask', id: 'q', conversation: 'c', text: 'hi', attachments: [] });
    last().hear(frame);
    expect(transport.unconfirmed).toEqual([]);
  });

  it('stops what was said without a connection, once there is one, and nothing that is said later', () => {
    transport.ask({ type: 'ask', id: 'a', conversation: 'c', text: 'one', attachments: [] });
    transport.stop('c');
    transport.stop('c');
    transport.ask({ type: 'ask', id: 'b', conversation: 'c', text: 'two', attachments: [] });

    last().hear(WELCOME);

    expect(last().sent.map(frame => frame.text ?? frame.type)).toEqual(['one', 'stop', 'two']);
    expect(transport.unconfirmed.map(frame => frame.type)).toEqual(['ask', 'ask']);
  });

  it('sends what waited also after a reload, once', () => {
    const kept = new Kept(sessionStorage);
    const page = (): Transport =>
      new Transport({ connect: () => (sockets.push(new FakeSocket()), last()), kept });
    const before = page();
    before.ask({ type: 'ask', id: 'a', conversation: 'c', text: 'one', attachments: [] });
    before.dispose();

    const after = page();
    last().hear(WELCOME);

    expect(last().sent).toMatchObject([{ type: 'ask', id: 'a' }]);
    last().hear({ type: 'put', conversation: 'c', seq: 1, message: message('a') });
    expect(after.unconfirmed).toEqual([]);
    expect(sessionStorage).toHaveLength(0);
    after.dispose();
  });

  it('sends nothing that was meant for another server of the same origin', () => {
    const kept = (server: string): Kept => new Kept(sessionStorage, server);
    const ann = new Transport({ connect: () => new FakeSocket(), kept: kept('https://hub/user/ann/') });
    ann.ask({ type: 'ask', id: 'a', conversation: 'c', text: 'one', attachments: [] });
    ann.dispose();

    const bob = new Transport({ connect: () => new FakeSocket(), kept: kept('https://hub/user/bob/') });

    expect(bob.unconfirmed).toEqual([]);
    bob.dispose();
    sessionStorage.clear();
  });

  it.each(['{', 'null', '5', '[1]', '[["a", null]]'])('begins anew where what was kept is %s', text => {
    sessionStorage.setItem('jupyter-autocoder:unsent', text);

    const made = new Transport({ connect: () => new FakeSocket(), kept: new Kept(sessionStorage) });

    expect(made.unconfirmed).toEqual([]);
    made.dispose();
    sessionStorage.clear();
  });

  it('gives back what waited for a conversation that is gone', () => {
    transport.ask({ type: 'ask', id: 'a', conversation: 'c', text: 'one', attachments: [] });
    transport.stop('c');

    last().hear({ type: 'gone', conversation: 'c' });

    expect(transport.unconfirmed).toEqual([]);
    expect(transport.lost('c')).toMatchObject([{ text: 'one' }]);
    expect(transport.lost('c')).toEqual([]);
  });

  it('gives back what was refused', () => {
    last().hear(WELCOME);
    transport.ask({ type: 'ask', id: 'q', conversation: 'c', text: 'hi', attachments: [] });
    last().hear({
      type: 'refused',
      request: 'q',
      conversation: 'c',
      problem: { kind: '', what: '', why: '', do: '' }
    });
    expect(transport.returned('q')).toMatchObject({ text: 'hi' });
    expect(transport.returned('q')).toBeUndefined();
  });

  it('waits longer after each failure, within a bound', () => {
    for (let round = 0; round < 8; round += 1) {
      last().lose();
      jest.advanceTimersByTime(1000);
    }
    expect(sockets.length).toBe(9);
  });

  it('leaves alone what it does not understand', () => {
    const seen: string[] = [];
    transport.frame.connect((_, frame) => void seen.push(frame.type));
    last().hear(WELCOME);
    last().hear('{');
    last().hear({ type: 'from-the-future' });
    expect(seen).toEqual(['welcome']);
  });

  it('distrusts a socket after a sleep', () => {
    last().hear(WELCOME);
    jest.setSystemTime(Date.now() + 60_000);
    jest.advanceTimersByTime(5_000);
    expect(sockets.length).toBe(2);
  });

  it('says nothing any more once disposed', () => {
    last().hear(WELCOME);
    transport.dispose();
    jest.advanceTimersByTime(60_000);
    expect(sockets.length).toBe(1);
  });
});

describe('ConversationState', () => {
  let reopened: number;
  let state: ConversationState;

  beforeEach(() => {
    reopened = 0;
    state = new ConversationState(
      'c',
      () => (reopened += 1),
      () => 1000
    );
    state.apply({ type: 'snapshot', conversation: INFO, messages: [message('m', { text: 'a' })], seq: 5 });
  });

  it('puts pieces at the end of their message', () => {
    state.apply({ type: 'delta', conversation: 'c', seq: 6, message: 'm', text: 'b' });
    expect(state.message('m')?.text).toBe('ab');
  });

  it('takes no frame twice', () => {
    state.apply({ type: 'delta', conversation: 'c', seq: 6, message: 'm', text: 'b' });
    state.apply({ type: 'delta', conversation: 'c', seq: 6, message: 'm', text: 'b' });
    state.apply({ type: 'delta', conversation: 'c', seq: 4, message: 'm', text: 'old' });
    expect(state.message('m')?.text).toBe('ab');
    expect(reopened).toBe(0);
  });

  it('opens the conversation again after a gap, once', () => {
    state.apply({ type: 'delta', conversation: 'c', seq: 8, message: 'm', text: 'x' });
    state.apply({ type: 'delta', conversation: 'c', seq: 9, message: 'm', text: 'y' });
    expect([state.message('m')?.text, reopened]).toEqual(['a', 1]);
    state.apply({ type: 'snapshot', conversation: INFO, messages: [message('m', { text: 'axy' })], seq: 9 });
    state.apply({ type: 'delta', conversation: 'c', seq: 10, message: 'm', text: 'z' });
    expect(state.message('m')?.text).toBe('axyz');
  });

  it('shows a question that waits until the server shows it, also after a snapshot', () => {
    state.apply({
      type: 'snapshot',
      conversation: INFO,
      messages: [message('m', { state: 'done' })],
      seq: 3
    });
    const ask = { type: 'ask', id: 'q', conversation: 'c', text: 'waits', attachments: [] } as const;

    state.expect({ ...ask, attachments: [] });
    state.expect({ ...ask, attachments: [] });
    expect(state.messages.map(item => item.id)).toEqual(['m', 'q']);
    expect(state.busy).toBe(false);

    state.apply({
      type: 'snapshot',
      conversation: INFO,
      messages: [message('m', { state: 'done' })],
      seq: 4
    });
    expect(state.messages.map(item => item.id)).toEqual(['m', 'q']);

    state.apply({
      type: 'put',
      conversation: 'c',
      seq: 5,
      message: message('q', { state: 'done', role: 'person' })
    });
    expect(state.messages[1].state).toBe('done');
    state.forget('q');
    expect(state.messages).toHaveLength(2);
  });

  it('shows a question no longer that was refused', () => {
    state.expect({ type: 'ask', id: 'q', conversation: 'c', text: 'too long', attachments: [] });

    state.forget('q');

    expect(state.message('q')).toBeUndefined();
  });

  it('leaves other conversations alone', () => {
    state.apply({ type: 'delta', conversation: 'other', seq: 6, message: 'm', text: 'b' });
    expect(state.message('m')?.text).toBe('a');
  });

  it('knows what is being done and until when, and forgets it with the first words', () => {
    state.apply({
      type: 'status',
      conversation: 'c',
      seq: 6,
      message: 'm',
      stage: 'waiting',
      text: 'limit',
      seconds: 2
    });
    expect(state.doing('m')).toEqual({ stage: 'waiting', text: 'limit', until: 3000 });
    state.apply({ type: 'delta', conversation: 'c', seq: 7, message: 'm', text: 'b' });
    expect(state.doing('m')).toBeUndefined();
  });

  it('is busy while anything is written or run', () => {
    expect(state.busy).toBe(true);
    state.apply({ type: 'put', conversation: 'c', seq: 6, message: message('m', { state: 'done' }) });
    expect(state.busy).toBe(false);
  });
});
