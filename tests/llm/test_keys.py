"""Where the key comes from, and the files that are not trusted."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.llm import keys
from jupyter_autocoder.llm.keys import Key, find_key, read_key_file

SECRET = "sk-test-0123456789"


def none(service: str, name: str) -> None:
    return None


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_file_comes_before_the_environment_and_that_before_the_keyring(key_file: Path) -> None:
    environ = {"OPENAI_API_KEY": "from-the-environment"}

    assert find_key(key_file=str(key_file), environ=environ) == Key(SECRET, str(key_file))
    assert find_key(environ=environ, keyring=lambda *_: "ring") == Key("from-the-environment", "OPENAI_API_KEY")
    assert find_key(environ={}, keyring=lambda *_: "ring") == Key("ring", "keyring")
    assert find_key(environ={}, keyring=none) is None


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_empty_variable_is_no_key(value: str) -> None:
    assert find_key(environ={"OPENAI_API_KEY": value}, keyring=none) is None


@pytest.mark.parametrize("value", ["sk-tést-0123456789", "sk-te st", "sk-te\x00st", "x" * 5000])
def test_value_that_cannot_be_a_key_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        find_key(environ={"OPENAI_API_KEY": value}, keyring=none)

    assert "OPENAI_API_KEY" in caught.value.what
    assert value not in str(caught.value)


def test_named_file_that_is_missing_is_an_error_though_the_environment_has_a_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        find_key(key_file=str(tmp_path / "none"), environ={"OPENAI_API_KEY": SECRET})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_file_that_others_can_use_is_refused_with_the_command_that_mends_it(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    with pytest.raises(SettingsError) as caught:
        read_key_file(key_file)

    assert f"{mode:04o}" in caught.value.why
    assert caught.value.do == f"run: chmod 600 {key_file}"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_file_that_only_we_can_read_is_used(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)

    assert read_key_file(key_file).secret == SECRET


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"two\nlines", b"x" * 5000, b"\xff\xfe\x00"])
def test_file_with_anything_but_one_key_is_refused(key_file: Path, content: bytes) -> None:
    key_file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        read_key_file(key_file)

    assert not content.strip() or content[:9].decode("utf-8", "replace") not in str(caught.value)


def test_link_pipe_and_folder_are_no_key_files(tmp_path: Path, key_file: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(key_file)
    os.mkfifo(pipe, 0o600)

    for path in (link, pipe, tmp_path):
        with pytest.raises(SettingsError):
            read_key_file(path)


def test_key_does_not_show_itself() -> None:
    key = Key(SECRET, "somewhere")

    assert SECRET not in repr(key) + str(key) + f"{key}" + repr([key])


def test_keyring_that_fails_is_the_same_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(service: str, name: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setattr(keys.importlib, "import_module", lambda name: SimpleNamespace(get_password=locked))

    assert find_key(environ={}) is None


def test_keyring_is_asked_by_our_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def give(service: str, name: str) -> str:
        asked.append((service, name))
        return SECRET

    monkeypatch.setattr(keys.importlib, "import_module", lambda name: SimpleNamespace(get_password=give))

    assert find_key(environ={}) == Key(SECRET, "keyring")
    assert asked == [("jupyter-autocoder", "OPENAI_API_KEY")]
