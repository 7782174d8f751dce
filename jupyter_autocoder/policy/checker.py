"""The check itself: read the source, ask every rule, and refuse when anything at all goes wrong on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from jupyter_autocoder.events import Finding, Verdict
from jupyter_autocoder.policy.capabilities import CAPABILITIES, capabilities
from jupyter_autocoder.policy.examples import examples
from jupyter_autocoder.policy.policy import Policy
from jupyter_autocoder.policy.reading import MAX_FINDINGS, Unreadable, read
from jupyter_autocoder.policy.rules import RULES
from jupyter_autocoder.policy.rules.base import Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.virtual import add_virtual_attributes

_DEFAULT = Policy()


def check(source: str, policy: Policy = _DEFAULT) -> Verdict:
    """Say whether `source` may run, with everything that speaks against it, in order of the lines.

    Nothing is run or imported and nothing is raised: what cannot be checked is refused.
    """
    try:
        return _check(source, policy)
    except Unreadable as problem:
        rule = RULES[problem.rule]
        finding = Finding(rule=rule.id, line=problem.line, column=problem.column, message=problem.message, fix=rule.fix)
    except (RecursionError, MemoryError):
        finding = _general(RULES["too-large"], "the code is nested too deeply to be checked")
    except Exception as error:  # fail closed: a fault of the checker must never let code through
        finding = _general(RULES["checker-failed"], f"the checker failed on this code ({type(error).__name__})")
    return Verdict(findings=(finding,))


def _check(source: str, policy: Policy) -> Verdict:
    scan = Scan(read(source), source, policy.imports)
    add_virtual_attributes(scan)
    used = capabilities(scan)
    found = {*_findings(scan, policy), *_forbidden(scan, used, policy), *_in_examples(scan, policy)}
    ordered = sorted(found, key=lambda finding: (finding.line, finding.column, finding.rule, finding.message))
    return Verdict(findings=tuple(ordered[:MAX_FINDINGS]), capabilities=tuple(sorted(used)))


def _findings(scan: Scan, policy: Policy) -> Iterator[Finding]:
    off = policy.off
    for rule in RULES.values():
        if rule.id in off:
            continue
        for hit in rule.find(scan):
            line, column = _place(hit.node)
            yield Finding(rule=rule.id, line=line, column=column, message=hit.message, fix=hit.fix or rule.fix)


def _in_examples(scan: Scan, policy: Policy) -> Iterator[Finding]:
    """Check the examples in docstrings like the code that doctest makes of them."""
    for node, code in examples(scan):
        line, column = _place(node)
        if "doctest" in code:  # examples within examples
            yield replace(_general(RULES["too-large"], "examples run further examples"), line=line, column=column)
            continue
        for finding in check(code, policy).findings:
            yield replace(finding, line=line, column=column, message=f"in an example: {finding.message}")


def _forbidden(scan: Scan, used: dict[str, ast.AST], policy: Policy) -> Iterator[Finding]:
    for name in sorted(policy.forbid & set(used)):
        line, column = _place(used[name])
        message = f"this {CAPABILITIES[name]}, which the settings forbid"
        fix = "Leave that part out, or ask whoever keeps the settings."
        yield Finding(rule=name, line=line, column=column, message=message, fix=fix)


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 1), getattr(node, "col_offset", 0)


def _general(rule: Rule, message: str) -> Finding:
    return Finding(rule=rule.id, line=1, column=0, message=message, fix=rule.fix)
