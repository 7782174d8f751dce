"""Finding the code in a model's answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_autocoder.agent.reply import read


@pytest.mark.parametrize(
    "answer",
    [
        "```python\nx = 1\n```",
        "Here you are:\n\n```py\nx = 1\n```\nHope it helps!",
        "~~~python3\nx = 1\n~~~",
        "```\nx = 1\n```",  # no language, but it parses
        "x = 1",  # no fence at all
        "```Python\nx = 1",  # cut off before the closing fence
        "````python\nx = 1\n````",
        "Here:\r\n```python\r\nx = 1\r\n```\r\nThat is all.",
        "```python\rx = 1\r```\rThat is all.",
        "  ```python\n  x = 1\n  ```",  # as many spaces as the fence has go from each line
        "   ```python\n  x = 1\n```",
        "1. First:\n\n    ```python\n    x = 1\n    ```\n2. Done.",  # in a list it stands deeper
    ],
)
def test_python_is_found_however_it_is_wrapped(answer: str) -> None:
    assert read(answer).source == "x = 1\n"


def test_several_python_blocks_are_one_program_and_others_are_left_out() -> None:
    answer = "```python\nx = 1\n```\nthen\n```bash\nrm -rf /\n```\n```python\ny = 2\n```"

    assert read(answer).source == "x = 1\n\ny = 2\n"


def test_an_indented_block_keeps_the_indentation_of_its_own() -> None:
    assert read(" ```python\n if x:\n     y = 1\n ```").source == "if x:\n    y = 1\n"


def test_a_whole_program_is_taken_with_the_fences_in_its_texts() -> None:
    answer = 'def f():\n    """Like this::\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'

    assert read(answer).source == answer


def test_backticks_inside_a_longer_fence_do_not_end_it() -> None:
    answer = '````python\ntext = """\n```\n"""\n````'

    assert read(answer).source == 'text = """\n```\n"""\n'


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("Sorry.", "no code block"),  # it parses as a name with an attribute, yet it is prose
        ("OK", "no code block"),
        ("I cannot do that for you.", "no code block"),
        ("```javascript\nlet x = 1;\n```", "in javascript"),
        ("```sql\nSELECT 1\n```", "in sql"),
        ("```python\n\n```", "block is empty"),
    ],
)
def test_an_answer_without_python_says_why(answer: str, problem: str) -> None:
    reply = read(answer)

    assert not reply.source
    assert problem in reply.problem


@given(st.text())
def test_any_text_gives_either_source_or_problem(answer: str) -> None:
    reply = read(answer)

    assert bool(reply.source.strip()) != bool(reply.problem)
