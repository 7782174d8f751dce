import { nullTranslator } from '@jupyterlab/translation';

import * as html from '../src/html';
import { address, destination, isInlineImage } from '../src/links';
import * as drawing from '../src/markdown';
import * as outputs from '../src/outputs';

const { merged } = outputs;
const trans = nullTranslator.load('jupyterlab');
const markdown = (text: string, code?: drawing.CodeBlock): HTMLElement => drawing.markdown(text, trans, code);
const safeHtml = (text: string): HTMLElement => html.safeHtml(text, trans);
const drawOutput = (output: outputs.RawOutput): HTMLElement => outputs.drawOutput(output, trans);

const EVIL = 'http://evil.example';

/** Everything in a piece of DOM that could reach out or run. */
function reach(node: HTMLElement): string[] {
  const found: string[] = [];
  node.querySelectorAll('*').forEach(element => {
    for (const { name, value } of Array.from(element.attributes)) {
      const quiet = name === 'href' && element.localName === 'a';
      if (name.startsWith('on') || name === 'style' || name === 'srcset' || name === 'action') {
        found.push(`${element.localName} ${name}`);
      }
      if (
        ['src', 'href', 'data', 'poster', 'background'].includes(name) &&
        !quiet &&
        !value.startsWith('data:image/')
      ) {
        found.push(`${element.localName} ${name}=${value}`);
      }
    }
    if (
      ['script', 'style', 'iframe', 'object', 'embed', 'link', 'svg', 'form', 'base', 'meta'].includes(
        element.localName
      )
    ) {
      found.push(element.localName);
    }
  });
  return found;
}

describe('markdown', () => {
  it.each([
    `![a](${EVIL}/a.png)`,
    `![a][r]\n\n[r]: ${EVIL}/a.png`,
    `<img src="${EVIL}/a.png">`,
    `<img src=x onerror=alert(1)>`,
    `<script>alert(1)</script>`,
    `<style>@import url(${EVIL})</style>`,
    `[x](javascript:alert(1))`,
    `[x](data:text/html,<script>alert(1)</script>)`,
    `<svg onload=alert(1)><image href="${EVIL}/a"/></svg>`,
    `| <img src="${EVIL}"> |\n|---|\n| ![x](${EVIL}) |`,
    `> - <iframe src="${EVIL}"></iframe>`,
    `![x](data:image/svg+xml;base64,AAAA)`,
    `**<link rel=stylesheet href=${EVIL}>**`
  ])('draws nothing that reaches out or runs: %s', text => {
    for (let end = 1; end <= text.length; end += 1) {
      expect(reach(markdown(text.slice(0, end)))).toEqual([]);
    }
  });

  it('shows HTML as the text it is', () => {
    expect(markdown('a <b>bold</b> word').textContent).toBe('a <b>bold</b> word');
  });

  it('draws the usual blocks', () => {
    const node = markdown(
      '# T\n\n- a\n- **b**\n\n1. c\n\n> q\n\n`x`\n\n```python\ny\n```\n\n| h |\n|---|\n| 1 |\n\n---'
    );
    const tags = ['h3', 'ul', 'strong', 'ol', 'blockquote', 'p code', 'pre', 'table', 'hr'];
    expect(tags.filter(tag => node.querySelector(tag) === null)).toEqual([]);
  });

  it('keeps the nodes of blocks that did not change while a text grows', () => {
    const view = new drawing.MarkdownView(trans);
    view.show('first\n\nsec');
    const first = view.node.firstChild;
    view.show('first\n\nsecond');
    expect(view.node.firstChild).toBe(first);
    expect(view.node.textContent).toBe('firstsecond');
  });

  it('draws the same in pieces and at once', () => {
    const text =
      '# A\n\ntext **bold** and `code`\n\n```python\nprint(1)\n```\n\n- a\n  - b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\nend';
    const view = new drawing.MarkdownView(trans);
    for (let end = 1; end <= text.length; end += 1) {
      view.show(text.slice(0, end));
    }
    expect(view.node.innerHTML).toBe(markdown(text).innerHTML);
  });

  it('decodes entities once', () => {
    expect(markdown('a &amp;lt; b &#65; &#x42; &bogus;').textContent).toBe('a &lt; b A B &bogus;');
  });

  it.each([
    ['>', '>'.repeat(500) + ' deep'],
    ['-', '- '.repeat(500) + 'deep'],
    ['quotes of lists', '> 1. '.repeat(250) + 'deep'],
    ['indents', Array.from({ length: 100 }, (_, level) => `${'  '.repeat(level)}- deep`).join('\n')]
  ])('survives deep nesting by %s, and reads what stands beside it', (_, text) => {
    const node = markdown(`${text}\n\n# T\n\n\`\`\`python\nx = 1\n\`\`\``);

    expect(node.textContent).toContain('deep');
    expect(node.querySelector(':scope > h3')?.textContent).toBe('T');
    expect(node.querySelector(':scope > pre')?.textContent).toBe('x = 1');
  });

  it.each([
    ['a rule', '-'.repeat(60)],
    ['a rule of stars', '*'.repeat(60)],
    ['a table with a frame', `+${'-'.repeat(60)}+\n| id |\n+${'-'.repeat(60)}+\n| 1  |\n+${'-'.repeat(60)}+`],
    ['a table without one', ` id | ${'-'.repeat(60)}\n----+${'-'.repeat(60)}\n 1  | x`],
    ['signs in code', `\`\`\`\n${'-'.repeat(60)}\n${'> '.repeat(60)}\n${'+'.repeat(60)}\n\`\`\``],
    ['indented code', `\`\`\`\n${' '.repeat(240)}x\n\`\`\``]
  ])('reads what stands beside %s', (_, text) => {
    const found: string[] = [];
    const code = (source: string, language: string): HTMLElement => {
      found.push(`${language}: ${source}`);
      return document.createElement('pre');
    };

    const node = markdown(`**So:**\n\n${text}\n\n\`\`\`python\nx = 1\n\`\`\``, code);

    expect(node.querySelector('strong')?.textContent).toBe('So:');
    expect(found).toContain('python: x = 1');
  });

  it.each([
    ['x\n```python\nx = 1', [false, true]],
    ['x\n```python\nx = 1\n```', [true]],
    ['1. do this:\n\n   ```python\n   x = 1', [false, true]]
  ])('gives code its buttons when its fence, or the whole text, is closed: %j', (text, expected) => {
    const closed: boolean[] = [];
    const view = new drawing.MarkdownView(trans, (_source, _language, isClosed) => {
      closed.push(isClosed);
      return document.createElement('pre');
    });

    view.show(text, { whole: false });
    view.show(text);

    expect(closed).toEqual(expected);
  });

  it('draws no picture for a model, which could show a card to confirm', () => {
    const drawn = markdown('[![Confirm](data:image/png;base64,AAAA)](https://evil.example/)');

    expect(drawn.querySelector('img')).toBeNull();
    expect(drawn.textContent).toBe('[image: Confirm] (evil.example)');
  });
});

describe('links', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    '/lab?reset',
    'lab',
    '//evil.example',
    'file:///etc/passwd',
    'vbscript:x',
    ''
  ])('does not open %s', href => expect(address(href)).toBeNull());

  it('shows the host that is really asked', () => {
    expect(destination(new URL('https://bank.example@evil.example/login'))).toBe('evil.example/login');
  });

  it('writes the destination beside the words, and not twice', () => {
    expect(markdown('[docs](https://example.com/x)').textContent).toBe('docs (example.com/x)');
    expect(markdown('<https://example.com/x>').textContent).toBe('https://example.com/x');
  });

  it.each([
    ['a name before the host', '<https://google.com@evil.example/x>', 'evil.example/x'],
    [
      'a host that is long',
      `[x](https://accounts.google.com.${'a'.repeat(63)}.evil.example/)`,
      '.evil.example)'
    ],
    ['letters that turn round', '[A &#8238;label](https://moc.knab.example/x)', 'A ⟨U+202E⟩label (moc'],
    ['many who get a letter', '[x](mailto:a@b.example,c@evil.example)', '(a@b.example,c@evil.example)']
  ])('shows where it leads in spite of %s', (_, text, shown) => {
    expect(markdown(text).textContent).toContain(shown);
  });

  it('adds no unseen reader and no text to a letter', () => {
    const anchor = markdown('[x](mailto:a@b.example?bcc=c@evil.example&body=y)').querySelector('a');

    expect(anchor?.getAttribute('href')).toBe('mailto:a@b.example');
  });

  it.each([
    ['data:image/png;base64,AAAA', true],
    ['data:image/svg+xml;base64,AAAA', false],
    ['data:image/png,AAAA', false],
    ['https://x/a.png', false]
  ])('takes %s for an inline bitmap: %s', (href, inline) => expect(isInlineImage(href)).toBe(inline));
});

describe('outputs', () => {
  it('draws a data frame without its styles and classes', () => {
    const html =
      '<style scoped>.x{}</style><table border="1" class="dataframe"><tr style="a"><td colspan="2">1</td></tr></table>';
    expect(safeHtml(html).innerHTML).toBe('<table><tbody><tr><td colspan="2">1</td></tr></tbody></table>');
  });

  it.each([
    `<img src="${EVIL}/a.png" srcset="${EVIL} 2x">`,
    `<a href="javascript:alert(1)">x</a>`,
    `<div style="background:url(${EVIL})" onclick="x()">x</div>`,
    `<table background="${EVIL}"><tr><td><script>x</script></td></tr></table>`,
    `<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>`,
    `<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`,
    `<svg><foreignObject><img src="${EVIL}"></foreignObject></svg>`
  ])('draws nothing of %s that reaches out or runs', html => {
    expect(reach(drawOutput({ output_type: 'display_data', data: { 'text/html': html } }))).toEqual([]);
  });

  it('draws pictures from their own bytes only', () => {
    const image = (data: Record<string, string>): HTMLElement =>
      drawOutput({ output_type: 'display_data', data });
    expect(image({ 'image/png': 'AAAA' }).getAttribute('src')).toBe('data:image/png;base64,AAAA');
    expect(image({ 'image/png': `x" onerror="y`, 'text/plain': 'p' }).localName).toBe('pre');
    expect(image({ 'image/svg+xml': '<svg onload="x"/>' }).getAttribute('src')).toContain(
      'data:image/svg+xml'
    );
  });

  it('joins pieces of one stream', () => {
    const one = merged([{ output_type: 'stream', name: 'stdout', text: 'a' }], {
      output_type: 'stream',
      name: 'stdout',
      text: 'b'
    });
    expect(one).toEqual([{ output_type: 'stream', name: 'stdout', text: 'ab' }]);
    expect(merged(one, { output_type: 'stream', name: 'stderr', text: 'c' })).toHaveLength(2);
  });

  it('takes terminal sequences out of text', () => {
    const output = {
      output_type: 'error',
      traceback: ['\u001b[0;31mBad\u001b[0m', '\u001b]8;;http://x\u0007link']
    };
    expect(drawOutput(output).textContent).toBe('Bad\nlink');
  });
});

describe('a text that turns its direction round', () => {
  it('is shown with its marks named, in words, links, code and output', () => {
    const shown = markdown('[pay\u202e](https://evil.example/moc.knab) `\u2066x`\n\n```python\n\u202ey\n```');
    const output = drawOutput({ output_type: 'display_data', data: { 'text/html': '<b>\u202ez</b>' } });

    expect(shown.textContent).toContain('pay⟨U+202E⟩ (evil.example/moc.knab)');
    expect(shown.textContent).toContain('⟨U+2066⟩x');
    expect(shown.textContent).toContain('⟨U+202E⟩y');
    expect(output.textContent).toContain('⟨U+202E⟩z');
  });
});

describe('a text made to hold the page up', () => {
  const texts: Record<string, string> = {
    stars: '*a '.repeat(20_000),
    'double stars': '**a'.repeat(10_000),
    underscores: '_a'.repeat(20_000),
    'odd underscores': '_a _'.repeat(20_000),
    tildes: '~a ~~b'.repeat(10_000),
    brackets: '['.repeat(20_000),
    'bracket pairs': '[a]('.repeat(15_000),
    'nested brackets': '['.repeat(5_000) + ']'.repeat(5_000),
    images: '![a'.repeat(15_000),
    quotes: '>'.repeat(5_000) + 'x',
    'spaced quotes': '> '.repeat(5_000) + 'x',
    lists: Array.from({ length: 2_000 }, (_, level) => `${' '.repeat(level * 2)}- a`).join('\n'),
    'lists on a line': '- '.repeat(5_000) + 'x',
    'many items': '- a\n'.repeat(10_000),
    backticks: Array.from({ length: 300 }, (_, count) => '`'.repeat(count)).join(' a '),
    'one letter': 'a'.repeat(100_000),
    'short words': 'a.b '.repeat(40_000),
    addresses: 'a@'.repeat(20_000),
    links: 'http://a.'.repeat(10_000),
    tags: '<a '.repeat(20_000),
    comments: '<!--'.repeat(20_000),
    entities: '&amp'.repeat(20_000),
    backslashes: '\\'.repeat(50_000),
    headings: '# a '.repeat(20_000),
    rules: '- - '.repeat(20_000),
    table: `|${'a|'.repeat(2_000)}\n|${'-|'.repeat(2_000)}\n`,
    'half a table': '|a'.repeat(20_000),
    definitions: '[a]: <'.repeat(10_000),
    spaces: `a${' '.repeat(100_000)}b`,
    newlines: 'a\n'.repeat(50_000),
    fences: '```a\n'.repeat(10_000),
    'quotes that go on': `${'>'.repeat(24)} a\nb\n`.repeat(2_000),
    'quotes and lists that go on': `${'> - '.repeat(13)}a\n> > b\nc\n`.repeat(500),
    'quotes that end one by one': Array.from(
      { length: 300 },
      (_, level) => '> '.repeat(300 - level) + 'x'
    ).join('\n'),
    'an item that goes on': `- a\n${'b\n'.repeat(100_000)}`,
    'quotes of lists that go on': '> - a\nb\n'.repeat(25_000),
    'a quote of a list that goes on': `> - a\n${'b\n'.repeat(100_000)}`,
    'items in turns': '> - a\n> - b\nb\n'.repeat(14_000),
    'a table of nothing': `|${'a|'.repeat(20_000)}\n|${'-|'.repeat(20_000)}\n${'|\n'.repeat(40_000)}`,
    'code blocks': '```\n```\n'.repeat(25_000),
    'empty items': '-\n'.repeat(100_000),
    'a gap in a link': `x [a](${' '.repeat(190_000)}x`,
    'an address of stops': `http://a${'.)'.repeat(95_000)}`,
    addresses2: 'http://a.b '.repeat(18_000),
    definitions2:
      Array.from({ length: 8_000 }, (_, i) => `[a${i}]: b\n`).join('') + '\n[a1] [a2]'.repeat(9_000),
    'words in turns': '- \u05d0a \u05d0a \u05d0a\n'.repeat(14_000)
  };

  it.each(Object.entries(texts))('%s: is read in a bounded time, into a bounded page', (_, text) => {
    const began = performance.now();

    const node = markdown(text);

    expect(performance.now() - began).toBeLessThan(2_000);
    expect(node.childNodes.length).toBeGreaterThan(0);
    expect(node.querySelectorAll('*').length).toBeLessThan(25_000);
  });

  it('is shown to its end, as it is where it is too much', () => {
    const text = `**So:**\n\n${'> - a &amp; *b*\nb\n'.repeat(12_000)}the end`;

    const node = markdown(text);

    expect(node.querySelector('strong')?.textContent).toBe('So:');
    expect(node.querySelector('.jp-ac-verbatim')?.textContent).toBe(text.slice('**So:**\n\n'.length));
  });

  it('is read alike each time', () => {
    const text = 'A **word**, `code`.\n\n- a\n- b\n\n'.repeat(5_000);

    expect(markdown(text).innerHTML).toBe(markdown(text).innerHTML);
  });

  it.each([
    ['list', '- **item** with `code`\n'.repeat(400), 'li', 400],
    ['table', `| a | b | c |\n|---|---|---|\n${'| 1 | **2** | 3 |\n'.repeat(500)}`, 'td', 1500],
    ['blocks of code', 'Text:\n\n```python\nprint(1)\n```\n\n'.repeat(100), 'pre', 100],
    ['paragraphs', `${'A **word** and more of them. '.repeat(20)}\n\n`.repeat(200), 'strong', 4000]
  ])('is not what a long %s is', (_, text, tag, count) => {
    const node = markdown(text);

    expect(node.querySelectorAll(tag)).toHaveLength(count);
    expect(node.querySelector('.jp-ac-verbatim')).toBeNull();
  });

  it('is laid out where it is in sight only, and an answer of the usual length as a whole', () => {
    expect(markdown('a\n\n'.repeat(90)).querySelector('.jp-ac-far')).toBeNull();
    expect(markdown('a\n\n'.repeat(150)).querySelectorAll('.jp-ac-far')).toHaveLength(50);
    expect(markdown(`${'a'.repeat(7_000)}\n\n`.repeat(4)).querySelectorAll('.jp-ac-far')).toHaveLength(1);
  });
});
