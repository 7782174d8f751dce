import bisect
import copy
import heapq
import sys
from array import array
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from fractions import Fraction
from functools import cached_property, partial, singledispatch, total_ordering
from itertools import chain, combinations, groupby, permutations, product, zip_longest
from threading import Lock


class Node:
    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right
        self._height = 1
        self.parent: Node | None = None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(key))
        else:
            child.insert(key)

    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.key
        if self.right is not None:
            yield from self.right.walk()


@total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(map(int, text.split(".")))

    def __lt__(self, other):
        return self.parts < other.parts

    def __eq__(self, other):
        return self.parts == other.parts

    def __format__(self, spec):
        return ".".join(map(str, self.parts))

    @cached_property
    def major(self):
        return self.parts[0]


class Dotted(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __missing__(self, key):
        return 0


class Meta(type):
    _instances = {}

    def __call__(cls, *args, **kwargs):
        if cls not in cls._instances:
            cls._instances[cls] = super().__call__(*args, **kwargs)
        return cls._instances[cls]


class Single(metaclass=Meta):
    pass


class Positive:
    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.store.get(self.name, 0)

    def __set__(self, instance, value):
        instance.store[self.name] = max(0, value)


class Account:
    balance = Positive()

    def __init__(self):
        self.store = {}


@singledispatch
def show(x):
    return str(x)


@show.register
def _(x: int):
    return f"int {x}"


def dijkstra(graph: Mapping, start):
    dist = {node: sys.maxsize for node in graph}
    dist[start] = 0
    heap = [(0, start)]
    while heap:
        d, u = heapq.heappop(heap)
        for v, weight in graph[u].items():
            if (nd := d + weight) < dist[v]:
                dist[v] = nd
                heapq.heappush(heap, (nd, v))
    return dist


root = Node(5)
for k in (3, 8, 1):
    root.insert(k)
print(list(root.walk()), hasattr(root, "key"), Version("1.2") < Version("1.10"), f"{Version('3.4')}")
print(Dotted(a=1).a, Single() is Single(), show(3), show("x"), dijkstra({"a": {"b": 2}, "b": {}}, "a"))
print(bisect.bisect_left([1, 3, 5], 3), copy.deepcopy([[1]]), array("i", [1, 2]), Fraction(1, 3) + Fraction(1, 6))
print(list(chain([1], (2, 3))), list(combinations("abc", 2)), [(k, len(list(g))) for k, g in groupby("aab")])
print([*permutations([1, 2]), *product([0, 1], repeat=2)], dict(zip_longest("ab", [1])), partial(max, 3)(5))
with ThreadPoolExecutor(max_workers=2) as pool:
    futures = {pool.submit(pow, i, 2): i for i in range(3)}
    print(sorted(f.result() for f in as_completed(futures)))
lock = Lock()
with lock:
    acc = Account()
    acc.balance = -5
    print(acc.balance, isinstance([], Iterable), type(acc).__name__, callable(show), id(acc) > 0)
matrix = [[1, 2], [3, 4]]
print([list(r) for r in zip(*matrix)], {"a": 1, "b": 2}, [x for row in matrix for x in row if x % 2], {1, 2} | {3})
a, *b = [1, 2, 3]
print(a, b, -7 // 2, 7 % 3, 2**10, 5 & 3, ~5, 1 << 4, not a, a if b else None, a < 3 <= 4, b is not None)
for i in range(3):
    if i == 1:
        continue
    elif i > 5:
        break
else:
    pass
for metric in ("mean", "max"):
    print(metric, array("d", [1.0]).itemsize)
print(max([1, 2], key=lambda v: -v, default=0), sum(map(int, "123")), any([]), all([]), divmod(7, 2), round(2.567, 1))
print(list(filter(None, [0, 1])), frozenset([1]), bytes([1, 2]), bytearray(b"x"), memoryview(b"abc")[1], slice(1, 2))
print(sorted(vars_list := [3, 1]), vars_list, dir(acc)[-1], hash("a") != 0, hex(255), oct(8), bin(5), ascii("é"))
