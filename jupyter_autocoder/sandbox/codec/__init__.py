"""Values as data: the same code writes and reads on both sides of the wall; nothing is unpickled or evaluated.

A value becomes a small JSON tree plus *parts*, files of npy or Arrow data. Reading treats both as hostile: types come
from allow-lists, sizes must fit the bytes that are there, and what does not fit raises `Malformed`.
"""
