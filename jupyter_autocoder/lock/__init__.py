"""What was answered once, so that a notebook runs again without asking anybody."""

from __future__ import annotations

from jupyter_autocoder.lock.file import FILE_NAME, Entry, Lock, digest, drift, environment, find, is_lock, make_key

__all__ = ["FILE_NAME", "Entry", "Lock", "digest", "drift", "environment", "find", "is_lock", "make_key"]
