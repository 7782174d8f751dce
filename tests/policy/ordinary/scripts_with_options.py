#!/usr/bin/env python3
"""A command line of its own."""

import argparse
import sys
from collections.abc import Sequence

__version__ = "1.2.3"
__all__ = ["compound", "main"]
__author__ = "a person"


def compound(principal: float, rate: float, years: int, n: int = 12) -> float:
    """Return the compounded amount.

    >>> round(compound(1000, 0.05, 10), 2)
    1647.01
    """
    return principal * (1 + rate / n) ** (n * years)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0.05, help="yearly rate")
    parser.add_argument("amounts", nargs="*", type=float)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv if argv is not None else [])
    for amount in args.amounts or [100.0]:
        print(f"{amount:>10.2f} -> {compound(amount, args.rate, 10):>12.2f}")
    return 0


global_counter = 0


def bump():
    global global_counter
    global_counter += 1

    def inner():
        nonlocal_value = 1

        def deepest():
            nonlocal nonlocal_value
            nonlocal_value += 1
            return nonlocal_value

        return deepest()

    return inner()


if __name__ == "__main__":
    bump()
    sys.setrecursionlimit(5000)
    if main(sys.argv[1:2]) != 0:
        sys.exit(1)
    del global_counter
