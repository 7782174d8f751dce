"""Which modules and members a source reaches by a dotted path, and which of them offend against which rule."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jupyter_autocoder.policy.dangers import CARRIED, NAMESAKES, REFUSED, UNMISTAKABLE
from jupyter_autocoder.policy.modules import MODULES, PACKAGES, STREAMS
from jupyter_autocoder.policy.scan import Scan


@dataclass(frozen=True, slots=True)
class Offence:
    """A dotted path that a rule refuses, where it stands; `path` ends at the part that offends."""

    rule: str
    path: str
    node: ast.AST


def offences(scan: Scan) -> Mapping[str, list[Offence]]:
    """Return all offences by rule id; ask for it by ``scan.once(offences)``."""
    judge = Judge(scan.extra_imports)
    found: dict[str, list[Offence]] = defaultdict(list)
    for node, path, start in _uses(scan):
        offence = judge.offence(path)
        # Each path is told once, where it becomes wrong: `os.system.x` offends at `os.system`.
        if offence is not None and offence[1].count(".") >= start:
            found[offence[0]].append(Offence(offence[0], offence[1], node))
    return found


def _uses(scan: Scan) -> Iterator[tuple[ast.AST, str, int]]:
    """Yield (node, path, index of the first part that this node adds)."""
    for statement in scan.nodes(ast.Import):
        for alias in statement.names:
            yield alias, alias.name, 0
    for origin in scan.nodes(ast.ImportFrom):
        module = origin.module or ""
        if origin.level or not module:
            yield origin, "." * origin.level + module, 0
            continue
        yield origin, module, 0
        for alias in origin.names:
            yield alias, f"{module}.{alias.name}", module.count(".") + 1
    for nodes in scan.attributes.values():
        for attribute in nodes:
            for path in scan.paths(attribute):
                yield attribute, path, path.count(".")
    if scan.stars:
        for name, named in scan.names.items():
            if name not in scan.bound:
                for star in scan.stars:
                    yield named[0], f"{star}.{name}", star.count(".") + 1


class Judge:
    """Judges dotted paths; what the settings add is open as a whole."""

    def __init__(self, extra: frozenset[str] = frozenset()) -> None:
        self._extra = extra
        self._known: dict[str, tuple[str, str] | None] = {}

    def offence(self, path: str) -> tuple[str, str] | None:
        """Return (rule id, the part of the path that offends), or None."""
        if path not in self._known:
            self._known[path] = self._judge(path)
        return self._known[path]

    def _judge(self, path: str) -> tuple[str, str] | None:
        parts = path.split(".")
        prefixes = [".".join(parts[: end + 1]) for end in range(len(parts))]
        if any(prefix in self._extra for prefix in prefixes):
            return None
        for end, prefix in enumerate(prefixes, 1):
            # A part that is open by its own name, or by the settings, is not closed by its package.
            opened = any(deeper in MODULES for deeper in prefixes[end:]) or self._leads_to_extra(prefix)
            if prefix in REFUSED and not opened:
                return REFUSED[prefix], prefix
        known = [prefix for prefix in prefixes if prefix in MODULES or prefix in PACKAGES]
        if not known:
            return None if self._leads_to_extra(path) else ("import", path)
        return self._judge_member(known[-1], path, parts)

    def _leads_to_extra(self, path: str) -> bool:
        return any(extra.startswith(path + ".") for extra in self._extra)

    def _judge_member(self, module: str, path: str, parts: list[str]) -> tuple[str, str] | None:
        depth = module.count(".") + 1
        rest = parts[depth:]
        if not rest or rest[0] == "*":
            return ("module-member", path) if rest and MODULES.get(module) is not None else None
        member = f"{module}.{rest[0]}"
        if module not in MODULES:
            return ("import", member)
        members = MODULES[module]
        if members is not None:
            return None if rest[0] in members else ("module-member", member)
        for index, part in enumerate(rest):
            here = ".".join(parts[: depth + index + 1])
            if part in UNMISTAKABLE or (part in CARRIED and here not in NAMESAKES and part != parts[depth - 1]):
                return "re-export", here
        return None


def is_partly_open(path: str) -> bool:
    """Say whether only some members of this module may be used."""
    return MODULES.get(path) is not None and path not in STREAMS
