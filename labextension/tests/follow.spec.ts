import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { after, Follower } from '../src/follow';
import type { Session } from '../src/session';

interface Panel {
  context: { path: string; ready: Promise<void>; pathChanged: Signal<object, string> };
}

function panel(path: string): Panel {
  return { context: { path, ready: Promise.resolve(), pathChanged: new Signal<object, string>({}) } };
}

const moment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));

/** A follower of a tracker and a contents manager that tests speak for. */
function made(move: (from: string, to: string) => Promise<void> = async () => undefined): {
  asked: string[];
  session: { notebook: string; told: string[] };
  show: (panel: Panel | null) => Promise<void>;
  changed: (type: string, from: string, to?: string) => void;
} {
  const asked: string[] = [];
  const session = {
    notebook: '',
    told: [] as string[],
    api: {
      move: (from: string, to: string) => {
        asked.push(`${from} -> ${to}`);
        return move(from, to);
      }
    },
    resume: async (path: string) => {
      asked.push(`resume ${path}`);
      session.notebook = path;
    },
    blank: () => undefined,
    tell: (what: string) => session.told.push(what)
  };
  const currentChanged = new Signal<object, Panel | null>({});
  const widgetAdded = new Signal<object, Panel>({});
  const tracker = {
    currentWidget: null as Panel | null,
    currentChanged,
    widgetAdded,
    forEach: () => undefined
  };
  const fileChanged = new Signal<object, object>({});
  new Follower(
    session as unknown as Session,
    tracker as never,
    { fileChanged } as never,
    nullTranslator.load('')
  );
  const known = new Set<Panel>();
  return {
    asked,
    session,
    show: async shown => {
      if (shown && !known.has(shown)) {
        known.add(shown);
        widgetAdded.emit(shown);
      }
      tracker.currentWidget = shown;
      currentChanged.emit(shown);
      await moment();
    },
    changed: (type, from, to) =>
      fileChanged.emit({ type, oldValue: { path: from }, newValue: to ? { path: to } : null })
  };
}

describe('a path after a move', () => {
  it.each([
    ['a.ipynb', 'a.ipynb', 'b.ipynb', 'b.ipynb'],
    ['d/a.ipynb', 'd', 'e/f', 'e/f/a.ipynb'],
    ['da.ipynb', 'd', 'e', 'da.ipynb'],
    ['d/a.ipynb', 'd', '', ''],
    ['', 'd', 'e', '']
  ])('%j, with %j to %j, is %j', (path, from, to, then) => {
    expect(after(path, { from, to })).toBe(then);
  });
});

describe('a conversation', () => {
  it('follows the notebook in front, and stays when that is renamed', async () => {
    const { asked, session, show, changed } = made();
    const shown = panel('a.ipynb');
    await show(shown);

    changed('rename', 'a.ipynb', 'b.ipynb');
    shown.context.path = 'b.ipynb';
    shown.context.pathChanged.emit('b.ipynb');
    await show(shown);

    expect(asked).toEqual(['resume a.ipynb', 'a.ipynb -> b.ipynb']);
    expect(session.notebook).toBe('b.ipynb');
  });

  it('is asked to follow once when the folder of an open notebook is renamed', async () => {
    const { asked, session, show, changed } = made();
    const shown = panel('d/a.ipynb');
    await show(shown);

    changed('rename', 'd', 'e');
    shown.context.path = 'e/a.ipynb';
    shown.context.pathChanged.emit('e/a.ipynb');
    await moment();

    expect(asked).toEqual(['resume d/a.ipynb', 'd -> e']);
    expect(session.notebook).toBe('e/a.ipynb');
  });

  it('goes along with a notebook that is saved under another name', async () => {
    const { asked, show } = made();
    const shown = panel('a.ipynb');
    await show(shown);

    shown.context.path = 'copy.ipynb';
    shown.context.pathChanged.emit('copy.ipynb');
    await show(shown);

    expect(asked).toEqual(['resume a.ipynb', 'a.ipynb -> copy.ipynb']);
  });

  it('is looked up only when those before it have moved', async () => {
    let done = (): void => undefined;
    const { asked, show, changed } = made(() => new Promise<void>(resolve => (done = resolve)));
    await show(panel('a.ipynb'));

    changed('delete', 'a.ipynb');
    await show(null);
    await show(panel('a.ipynb'));
    const early = [...asked];
    done();
    await moment();

    expect(early).toEqual(['resume a.ipynb', 'a.ipynb -> ']);
    expect(asked).toEqual([...early, 'resume a.ipynb']);
  });

  it('is looked up for the notebook that is in front at last', async () => {
    const { asked, show } = made();

    await Promise.all([show(panel('a.ipynb')), show(panel('b.ipynb'))]);

    expect(asked).toEqual(['resume b.ipynb']);
  });

  it('that could not follow is told of, and the next one follows', async () => {
    let first = true;
    const { asked, session, changed } = made(async () => {
      if (first) {
        first = false;
        throw new Error('The server cannot be reached.');
      }
    });

    changed('rename', 'a.ipynb', 'b.ipynb');
    changed('save', 'b.ipynb', 'b.ipynb');
    changed('rename', 'c.ipynb', 'd.ipynb');
    await moment();

    expect(asked).toEqual(['a.ipynb -> b.ipynb', 'c.ipynb -> d.ipynb']);
    expect(session.told).toEqual([
      'The conversations about a.ipynb did not follow it: The server cannot be reached.'
    ]);
  });
});
