"""Attribute names that are judged by themselves, wherever they appear: in code, in strings, in patterns."""

from __future__ import annotations

from jupyter_autocoder.policy.words import words

# Operators, containers, conversions and life cycle: each says in words what syntax says in signs.
OPERATIONS = words(
    "__abs__ __add__ __aenter__ __aexit__ __aiter__ __and__ __anext__ __array__ __array_function__ "
    "__array_interface__ __array_priority__ __array_ufunc__ __await__ __bool__ __bytes__ __call__ __ceil__ "
    "__class_getitem__ __complex__ __contains__ __copy__ __dataframe__ __deepcopy__ __delattr__ __delete__ "
    "__delitem__ __dir__ __divmod__ __enter__ __eq__ __exit__ __float__ __floor__ __floordiv__ __format__ "
    "__fspath__ __ge__ __get__ __getattr__ __getitem__ __getnewargs__ __gt__ __hash__ __iadd__ __iand__ "
    "__ifloordiv__ __ilshift__ __imatmul__ __imod__ __imul__ __index__ __init__ __init_subclass__ __int__ "
    "__invert__ __ior__ __ipow__ __irshift__ __isub__ __iter__ __itruediv__ __ixor__ __le__ __len__ "
    "__length_hint__ __lshift__ __lt__ __matmul__ __missing__ __mod__ __mul__ __ne__ __neg__ __new__ __next__ "
    "__or__ __pos__ __post_init__ __pow__ __radd__ __rand__ __rdivmod__ __repr__ __reversed__ __rfloordiv__ "
    "__rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __round__ __rpow__ __rrshift__ __rshift__ __rsub__ "
    "__rtruediv__ __rxor__ __set__ __set_name__ __setattr__ __setitem__ __sizeof__ __str__ __sub__ __truediv__ "
    "__trunc__ __xor__"
)
# Facts that are strings and lead nowhere.
FACTS = words("__name__ __qualname__ __doc__ __version__ __author__ __main__ __all__ __debug__")
# Declarations in class bodies and modules.
DECLARATIONS = words("__slots__ __match_args__ __hash__ __annotations__ __test__ __email__ __license__")
# May be called on another object; the rest of OPERATIONS is for `super()` or has syntax of its own.
CALLED = (OPERATIONS | FACTS) - {"__setattr__", "__delattr__", "__getattr__", "__new__", "__get__", "__init_subclass__"}

# From a generator, coroutine or traceback to its frame, from the frame to every variable of the process.
FRAMES = words(
    "ag_await ag_code ag_frame co_code co_consts co_names cr_await cr_code cr_frame cr_origin f_back f_builtins "
    "f_code f_generator f_globals f_lasti f_lineno f_locals f_trace f_trace_lines f_trace_opcodes func_closure "
    "func_code func_defaults func_globals gi_code gi_frame gi_yieldfrom im_class im_func im_self mro tb_frame "
    "tb_lasti tb_lineno tb_next"
)


def is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def is_public(name: str) -> bool:
    """Say whether an attribute of this name may be reached on any object."""
    return not name.startswith("_") and name not in FRAMES
