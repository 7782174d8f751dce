import doctest
import timeit
import unittest
from unittest import TestCase


def add(a, b):
    """
    >>> add(1, 2)
    3
    """
    return a + b


class TestAdd(TestCase):
    def setUp(self):
        self.cases = [(1, 2, 3)]

    def test_add(self):
        for a, b, expected in self.cases:
            with self.subTest(a=a):
                self.assertEqual(add(a, b), expected)

    def test_raises(self):
        with self.assertRaises(TypeError):
            add(1, "a")


doctest.testmod()
start = timeit.default_timer()
unittest.main(argv=["first"], exit=False)
print(timeit.default_timer() - start)
