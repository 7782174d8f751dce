"""What expressions spell, and what is left unknown."""

from __future__ import annotations

import ast

import pytest

from jupyter_autocoder.policy.folding import UNKNOWN, Folder
from jupyter_autocoder.policy.scan import Scan

KNOWN = {
    "'a' 'b'": "ab",
    "'a' + 'b' * 2 + 'c'": "abbc",
    "2 * 'ab'": "abab",
    "b'a' + b'b'": b"ab",
    "(1,) + (2,)": (1, 2),
    "1 + 2 + 3": 6,
    "-5": -5,
    "7 - 2": 5,
    "7 * 6": 42,
    "7 // 2": 3,
    "7 % 4": 3,
    "5 ^ 1": 4,
    "'abc'[::-1]": "cba",
    "'abc'[1]": "b",
    "'abc'[-1:]": "c",
    "('x', 'y')[1]": "y",
    "'-'.join(['a', 'b'])": "a-b",
    "b''.join([b'a', b'b'])": b"ab",
    "''.join(reversed('abc'))": "cba",
    "''.join(chr(c) for c in (97, 98))": "ab",
    "''.join([chr(c + 1) for c in [96, 97]])": "ab",
    "''.join(c + '-' for c in 'ab')": "a-b-",
    "''.join('xab'[i] for i in (1, 2))": "ab",
    "''.join(map(chr, [97, 98]))": "ab",
    "''.join(list('ab'))": "ab",
    "''.join(tuple('ab'))": "ab",
    "chr(97) + chr(98)": "ab",
    "chr(ord('a') + 1)": "b",
    "chr(int('61', 16))": "a",
    "str(b'ab', 'utf-8')": "ab",
    "str('ab')": "ab",
    "bytes([97, 98]).decode()": "ab",
    "bytearray(b'ab').decode('ascii')": "ab",
    "bytes.fromhex('6162').decode()": "ab",
    "base64.b64decode('YWI=').decode()": "ab",
    "base64.b64decode(b'YWI=')": b"ab",
    "binascii.unhexlify(b'6162')": b"ab",
    "codecs.decode('no', 'rot13')": "ab",
    "codecs.encode('no', 'rot13')": "ab",
    "'xaxb'.replace('x', '')": "ab",
    "'AB'.lower()": "ab",
    "'a,b'.split(',')": ("a", "b"),
    "'{}-{}'.format('a', 1)": "a-1",
    "'%s-%d' % ('a', 1)": "a-1",
    "f\"{'a'}b\"": "ab",
    "(x := 'ab')": "ab",
}
PARTLY = {
    "'a' + n": "a" + UNKNOWN,
    "f'a{n}b'": f"a{UNKNOWN}b",
    "f\"{'a'!r}\"": UNKNOWN,
    "'-'.join(['a', n])": "a-" + UNKNOWN,
    "'%s' % n": UNKNOWN,
    "'%s%s' % ('a', n)": "a" + UNKNOWN,
    "'{}{}'.format('a', n)": "a" + UNKNOWN,
    "'a' * n": "aa",  # what is repeated spells something only where its ends meet
}
NOTHING = [
    "n",
    "f(x)",
    "'a'[n]",
    "'a'[5]",
    "'a'[::0]",
    "'abc'[n:]",
    "3[0]",
    "''.join(n)",
    "b''.join([b'a', n])",
    "n.join",
    "[c for c in n]",
    "1 / 0",
    "7 // 0",
    "9999999999 * 9999999999",
    "2 ** 10",
    "'a' - 'b'",
    "b'a' + 'b'",
    "chr(n)",
    "chr(-1)",
    "chr(0x110000)",
    "ord('ab')",
    "int('x')",
    "int(n)",
    "bytes(10 ** 9)",
    "bytes([999])",
    "reversed(n)",
    "tuple(n)",
    "str(n, 'utf-8')",
    "'a'.upper(n)",
    "'a'.replace('a')",
    "'a'.encode('idna')",
    "b'a'.decode(errors='x')",
    "base64.b64decode(n)",
    "base64.b64decode()",
    "base64.b64decode('a')",
    "'%9999d' % 1",
    "'%*d' % (9, 1)",
    "'{:>9999}'.format(1)",
    "'{:{}}'.format(1, 2)",
    "'{a}'.format(a=1)",
    "'{}'.format(1.5)",
    "'%d' % 'a'",
    "''.join(*n)",
    "b'{}'.format(1)",
    "map(f, 'ab')",
    "-'a'",
]


def _fold(source: str) -> object:
    tree = ast.parse(source)
    assert isinstance(tree.body[-1], ast.Expr)
    return Folder(Scan(tree, source)).fold(tree.body[-1].value)


@pytest.mark.parametrize(("source", "value"), KNOWN.items())
def test_an_expression_of_constants_is_known(source: str, value: object) -> None:
    assert _fold(source) == value


@pytest.mark.parametrize(("source", "value"), PARTLY.items())
def test_what_is_not_known_is_marked_in_what_is(source: str, value: str) -> None:
    assert _fold(source) == value


@pytest.mark.parametrize("source", NOTHING)
def test_nothing_is_made_up(source: str) -> None:
    assert _fold(source) is None


def test_names_bound_once_are_followed() -> None:
    assert _fold("a, b = 'x', 'y'\n(c,) = [a]\nd: str = b\nc + d") == "xy"


@pytest.mark.parametrize(
    "source",
    ["a = 'x'\na = 'y'\na", "a = 'x'\na += 'y'\na", "def f(a): pass\na = 'x'\na", "a = a\na", "import a\na = 'x'\na"],
)
def test_names_bound_otherwise_are_not(source: str) -> None:
    assert _fold(source) is None


def test_long_results_are_cut() -> None:
    assert len(str(_fold("'ab' * 10 ** 9"))) < 3_000
    assert len(str(_fold("'a'.join('b' * 1000000)"))) < 5_000


@pytest.mark.parametrize(
    ("source", "choices"),
    [
        ("'a' if x else 'b'", {"a", "b"}),
        ("n = 'a' if x else 'b'\nn", {"a", "b"}),
        ("for n in ('a', 'b'): pass\nn", {"a", "b"}),
        ("for n, m in (('a', 1), ('b', 2)): pass\nn", {"a", "b"}),
        ("names = ['a', 'b']\nfor n in names: pass\nn", {"a", "b"}),
        ("n = 'a'\nn = 'b'\nn", {"a", "b"}),
        ("names = ['a']\nnames.append(x)\nfor n in names: pass\nn", None),
        ("names = ['a']\nnames = x\nfor n in names: pass\nn", None),
        ("for n, m in (('a', 1), x): pass\nn", None),
        ("for n in x: pass\nn", None),
        ("'a' if x else y", None),
        ("n = n\nn", None),
    ],
)
def test_all_choices_are_known_or_none(source: str, choices: set[str] | None) -> None:
    tree = ast.parse(source)
    assert isinstance(tree.body[-1], ast.Expr)

    found = Folder(Scan(tree, source)).choices(tree.body[-1].value)

    assert found == choices
