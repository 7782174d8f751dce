import html
import string
import textwrap
import unicodedata
from dataclasses import dataclass
from string import Template
from typing import NamedTuple, Protocol, TypedDict


class Point(NamedTuple):
    x: int
    y: int = 0


class Row(TypedDict, total=False):
    sym: str
    px: float


class Priced(Protocol):
    price: float

    def total(self, n: int) -> float: ...


@dataclass(order=True, slots=True)
class Cmd:
    name: str
    qty: int = 1


def act(cmd: Cmd | dict | list | str) -> str:
    match cmd:
        case Cmd(name="buy", qty=q) if q > 0:
            return f"buy {q}"
        case Cmd(name=n):
            return n
        case {"op": "sell", "n": int(n), **rest}:
            return f"sell {n} {rest}"
        case [Point(x=0, y=0), *others] | [*others, Point(x=1)]:
            return f"origin {others}"
        case "stop" | "halt":
            return "stopped"
        case str() as s:
            return s.title()
        case None | True | 3.5 | -1:
            return "odd"
        case _:
            return "?"


price, qty = 12.5, 3
print(f"{price=} {qty!r:>5} {price * qty:,.2f} {'nested ' + f'{qty:03d}'} {{literal}}")
print(act(Cmd("buy", 3)), act({"op": "sell", "n": 2, "z": 1}), act([Point(0), 1]), act("hello"))
print(Template("$who likes $what").substitute(who="tim", what="kung pao"), html.escape("<b>"))
print(
    textwrap.dedent("""
    indented
    text""").strip(),
    textwrap.fill("long " * 30, 40),
)
print("".join(c for c in unicodedata.normalize("NFKD", "Crème Brûlée") if not unicodedata.combining(c)))
print(string.ascii_letters[:5], "".join(chr(ord("a") + i) for i in range(5)), "abc"[::-1], ["a", "b"])
print("".join(reversed("stressed")), "x".join(["a", "b"]), "ß".upper(), "ñ".encode().hex(), b"hi".decode())
table = str.maketrans({"a": "1", "b": "2"})
print("aabb".translate(table), "Ünïcödé £€¥ σ μ Δ", "emoji 👩‍👩‍👧")
σ, Δ = 0.2, 1e-3
café = σ * Δ
print(café, 0xFF, 0b101, 1_000_000, 1e10, 3 + 4j, r"\d+\.\d", b"\x00\xff")
print("The __init__ method is called by __new__ when an object is made")
