import functools
import itertools
import operator
import time
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def timed(func: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        start = time.perf_counter()
        try:
            return func(*args, **kwargs)
        finally:
            print(f"{func.__name__} took {time.perf_counter() - start:.4f}s ({func.__doc__})")

    return wrapper


def retry(times: int = 3, delay: float = 0.01):
    def decorate(func):
        @functools.wraps(func)
        def inner(*a, **k):
            for attempt in range(1, times + 1):
                try:
                    return func(*a, **k)
                except (ValueError, KeyError) as e:
                    print(f"attempt {attempt}: {type(e).__name__}: {e}")
                    time.sleep(delay)
            raise RuntimeError("gave up")

        return inner

    return decorate


@functools.cache
def fib(n: int) -> int:
    """Fibonacci numbers."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@timed
def chunks(it: Iterable[int], size: int) -> Generator[tuple[int, ...], None, None]:
    """Split into chunks."""
    it = iter(it)
    while chunk := tuple(itertools.islice(it, size)):
        yield chunk


def running():
    total = 0
    while True:
        x = yield total
        if x is None:
            return total
        total += x


@contextmanager
def section(title: str):
    print(f"== {title} ==")
    yield
    print("-" * 20)


Point = namedtuple("Point", ["x", "y"])
with section("points"):
    p = Point(1, 2)._replace(y=5)
    print(p._asdict(), Point._fields, Point._make([3, 4]))
with suppress(ZeroDivisionError):
    1 / 0
gen = running()
next(gen)
print(gen.send(3), gen.send(4))
gen.close()
print(list(chunks(range(7), 3)), fib(30), fib.cache_info())
print(sorted(Counter("mississippi").items(), key=operator.itemgetter(1), reverse=True))
print(functools.reduce(operator.mul, range(1, 6)), list(itertools.accumulate([1, 2, 3], operator.add)))
print(sorted([Point(2, 1), Point(1, 2)], key=operator.attrgetter("x", "y")))
print(OrderedDict(a=1), deque([1, 2, 3], maxlen=2))
print("{:<10} {:>8.2f} {!r:^12}".format("AAPL", 190.5, "x"))
print("{name} costs {price:,.2f} {0[key]}".format({"key": 1}, name="A", price=3))
row = "{:<10}|" * 3
print(row.format("a", "b", "c"))
width = 12
print(("{:>" + str(width) + "}").format("right"))
print(f"{{:<{width}}}".format("left") + "%s has %d (%.2f%%)" % ("x", 3, 4.5))
header = ["a", "b"]
print(("{:>10}" * len(header)).format(*header))
