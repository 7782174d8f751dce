"""Values across a real wall, an honest one and one whose inside answers what it likes."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_autocoder.errors import SandboxDied, UsageError, ValueCannotCross

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    "value",
    [{"a": [1, (2, None)]}, b"x" * 200_000, "é\u202e", [1.5] * 1000, {1: {2}}],
    ids=["dict", "bytes", "text", "list", "set"],
)
def test_plain_values_go_in_and_come_out(box: Any, value: Any) -> None:
    box.put("value", value)
    run = box.run("back = value")

    assert run.ok
    assert box.get("back") == value


def test_a_frame_goes_in_and_its_result_comes_out(box: Any) -> None:
    frame = pd.DataFrame({"day": pd.date_range("2024", periods=3, tz="Europe/Berlin"), "close": [1.0, 2.0, 4.0]})

    box.put("prices", frame)
    run = box.run("prices['return'] = prices['close'].pct_change()\nsummary = prices.set_index('day')")
    back = box.get("summary")

    assert run.ok
    expected = frame.assign(**{"return": frame["close"].pct_change()}).set_index("day")
    pd.testing.assert_frame_equal(back, expected)
    back.loc[:, "close"] = 0.0
    assert (frame["close"] == [1.0, 2.0, 4.0]).all()


def test_arrays_go_in_and_come_out_writable(box: Any) -> None:
    box.put("a", np.arange(6.0).reshape(2, 3))
    box.run("a += 1")

    back = box.get("a")
    back[0, 0] = 99

    assert back.tolist() == [[99, 2, 3], [4, 5, 6]]


def test_putting_again_replaces(box: Any) -> None:
    box.put("again", 1)
    box.put("again", 2)

    assert box.get("again") == 2


def test_values_leave_no_files_behind(box: Any) -> None:
    before = os.listdir(box.sandbox._session.manager.inbox)

    box.put("big", np.zeros(100_000))
    box.get("big")

    assert box.run("import os\n[n for n in os.listdir('.') if n.startswith('.out')]").value == "[]"
    assert os.listdir(box.sandbox._session.manager.inbox) == before


def test_a_missing_name_is_a_key_error(box: Any) -> None:
    with pytest.raises(KeyError):
        box.get("never_defined")


@pytest.mark.parametrize("name", ["not a name", "", "class", "a.b", "a; b", "../x"])
def test_what_is_no_name_is_refused(box: Any, name: str) -> None:
    with pytest.raises(UsageError):
        box.put(name, 1)
    with pytest.raises(UsageError):
        box.get(name)


@pytest.mark.parametrize(
    ("source", "kind"),
    [("def thing(): pass", "function"), ("class thing: pass", "type"), ("thing = object()", "object")],
)
def test_what_is_no_data_inside_is_named(box: Any, source: str, kind: str) -> None:
    box.run(source)

    with pytest.raises(ValueCannotCross) as caught:
        box.get("thing")

    assert caught.value.name == "thing"
    assert caught.value.type_name == kind
    assert "thing" in caught.value.what
    assert ("adopt thing" in caught.value.do) == (kind != "object")


def test_what_is_no_data_outside_is_named(box: Any) -> None:
    with pytest.raises(ValueCannotCross) as caught:
        box.put("frame", pd.DataFrame({"models": [object()]}))

    assert "models" in caught.value.what
    assert caught.value.type_name == "object"


def test_a_user_class_that_pretends_to_be_data_runs_nothing_outside(box: Any) -> None:
    box.run("class evil(dict):\n    def __reduce__(self): return (print, ('pwned',))\nthing = evil(a=1)")

    assert box.get("thing") == {"a": 1}


def test_a_person_can_shadow_every_builtin(fresh_box: Any) -> None:
    fresh_box.put("value", [1, 2])
    fresh_box.run(
        "open = print = len = isinstance = type = dict = None\njson = os = pandas = numpy = None\n__name__ = 5"
    )

    assert fresh_box.get("value") == [1, 2]
    fresh_box.put("value", {"a": 1})
    assert fresh_box.get("value") == {"a": 1}


# -- a hostile inside --------------------------------------------------------------------------------------------------
HIJACK = """
import json, os
def answer(stream, idents, message):
    content = message['content']
    reply = {{'status': 'ok'}}
    if content['do'] == 'get':
        folder = content['folder']
        os.mkdir(folder)
        {body}
    get_ipython().kernel.session.send(stream, 'autocoder_reply', reply, parent=message, ident=idents)
get_ipython().kernel.shell_handlers['autocoder_request'] = answer
"""
WRITE = "open(folder + '/tree.json', 'w').write({tree!r})"


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "reply = {'status': 'made up'}",
        "reply = {'status': ['ok']}",
        "reply = {'status': 'uncrossable', 'kind': '\\x1b[2J' * 10**4, 'why': {'a': 1}, 'where': '\\u202e'}",
        "reply = {'status': 'error', 'why': 'x' * 10**6}",
        "reply = {}",
        "os.mkdir(folder + '/tree.json')",
        "os.mkfifo(folder + '/tree.json')",
        "os.symlink('/etc/passwd', folder + '/tree.json')",
        "os.rmdir(folder); os.symlink('/etc', folder)",
        WRITE.format(tree=""),
        WRITE.format(tree="not json"),
        WRITE.format(tree="[" * 100_000),
        WRITE.format(tree='{"~": "pickle", "v": 0}'),
        WRITE.format(tree='{"~": "npy", "v": 0}'),
        WRITE.format(tree='{"~": "npy", "v": "../../../../etc/passwd"}'),
        WRITE.format(tree='{"~": "frame", "v": null}'),
        "open(folder + '/tree.json', 'wb').truncate(60 * 2**20)",
        "open(folder + '/tree.json', 'w').write('1' * 10_000)",
    ],
    ids=range(19),
)
def test_a_hostile_answer_is_a_value_that_cannot_cross(fresh_box: Any, body: str) -> None:
    guarded = f"try:\n            {body}\n        except OSError: pass"
    fresh_box.run(HIJACK.format(body=guarded))
    start = time.monotonic()

    with pytest.raises(ValueCannotCross) as caught:
        fresh_box.get("value")

    assert time.monotonic() - start < 10
    assert len(str(caught.value)) < 2000
    assert "\x1b" not in str(caught.value)
    assert fresh_box.run("1").value == "1"


def test_a_link_planted_over_a_part_is_not_followed(fresh_box: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.lib.format.magic(1, 0) + b"secret")
    body = (
        'open(folder + \'/tree.json\', \'w\').write(\'{"~": "bytes", "v": {"part": 0}}\')\n'
        f"        try: os.symlink({str(secret)!r}, folder + '/0')\n        except OSError: pass"
    )
    fresh_box.run(HIJACK.format(body=body))

    with pytest.raises(ValueCannotCross):
        fresh_box.get("value")


def test_a_kernel_that_dies_in_the_middle_is_told(fresh_box: Any) -> None:
    fresh_box.run(HIJACK.format(body="os._exit(1)"))

    with pytest.raises(SandboxDied):
        fresh_box.get("value")
    assert fresh_box.run("1").value == "1"


def test_a_kernel_that_is_mute_is_killed(fresh_box: Any) -> None:
    fresh_box.run(HIJACK.format(body="while True: pass"))
    start = time.monotonic()

    with pytest.raises(SandboxDied):
        fresh_box.get("value")

    assert time.monotonic() - start < 8
    assert fresh_box.run("1").value == "1"


def test_a_kernel_that_answers_without_end_is_killed(fresh_box: Any) -> None:
    body = "part = b'x' * 2**20\n        import zmq\n        while True: kernel.shell_socket.send(part, zmq.SNDMORE)"
    fresh_box.run("kernel = get_ipython().kernel\nkernel.shell_socket = kernel.iopub_thread.socket")
    fresh_box.run(HIJACK.format(body=body))
    start = time.monotonic()

    with pytest.raises(SandboxDied):
        fresh_box.get("value")

    assert time.monotonic() - start < 8


def test_a_cancelled_get_comes_back_soon_and_leaves_the_sandbox_usable(fresh_box: Any) -> None:
    fresh_box.run(HIJACK.format(body="import time\n        time.sleep(60)"))

    async def work() -> float:
        getting = asyncio.create_task(fresh_box.sandbox.get("value"))
        await asyncio.sleep(0.3)
        start = time.monotonic()
        getting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await getting
        return time.monotonic() - start

    assert asyncio.run(work()) < 5
    assert fresh_box.run("1").value == "1"


def test_a_value_larger_than_scratch_is_told(fresh_box: Any) -> None:
    fresh_box.run("value = bytes(100 * 2**20)")

    with pytest.raises(ValueCannotCross) as caught:
        fresh_box.get("value")

    assert "space" in caught.value.why.lower() or "large" in caught.value.why.lower()
    assert fresh_box.get("__name__") == "__main__"


def test_what_was_brought_out_leaves_nothing_in_the_scratch_folder(box: Any) -> None:
    box.run("import os, numpy as np\nlong, wide = list(range(10_000)), np.zeros(100_000)")

    box.get("long"), box.get("wide")

    assert box.run("os.listdir()").value == "[]"


def test_a_value_that_cannot_be_written_says_why_and_not_that_there_is_no_room(box: Any) -> None:
    box.run(
        "import io\nfrom PIL import Image\nwhole = io.BytesIO()\n"
        "Image.effect_noise((200, 200), 50).save(whole, 'JPEG')\n"
        "half = Image.open(io.BytesIO(whole.getvalue()[:2000]))"
    )

    with pytest.raises(ValueCannotCross, match="truncated"):
        box.get("half")


def test_a_short_text_that_would_become_millions_of_lists_is_refused(box: Any) -> None:
    box.run("many = [[] for _ in range(2_500_000)]")

    with pytest.raises(ValueCannotCross, match="lists and dicts"):
        box.get("many")
