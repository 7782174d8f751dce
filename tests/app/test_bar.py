"""The progress bar: for people at a terminal only."""

from __future__ import annotations

import io

from jupyter_autocoder.app.bar import Writer, writer


def test_in_a_pipe_there_is_only_the_text() -> None:
    out, err = io.StringIO(), io.StringIO()

    write = writer(out, err)
    write.at(1, 4)
    write("a line\n")
    write.close()

    assert (out.getvalue(), err.getvalue()) == ("a line\n", "")


def test_at_a_terminal_the_bar_makes_room_for_the_text() -> None:
    out, terminal = io.StringIO(), io.StringIO()

    write = Writer(out, terminal)
    write.at(1, 4)
    write("a line\n")
    write.close()

    assert "█████░" in terminal.getvalue()
    assert "cell 2 of 4" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
