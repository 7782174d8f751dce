"""The rules, in the order in which they are listed to people."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_autocoder.policy.rules import (
    addresses,
    asking,
    computed,
    confusables,
    dunder,
    dynamic,
    environment,
    expressions,
    formats,
    frames,
    hooks,
    imports,
    introspection,
    markup,
    members,
    native,
    network,
    paths,
    patterns,
    private,
    process,
    reexports,
    spelled,
    syntax,
    typehints,
    unpickling,
)
from jupyter_autocoder.policy.rules.base import Rule

_ALL = (
    *syntax.RULES,
    imports.RULE,
    members.RULE,
    reexports.RULE,
    process.RULE,
    network.RULE,
    native.RULE,
    unpickling.RULE,
    environment.RULE,
    introspection.RULE,
    dynamic.RULE,
    computed.RULE,
    private.RULE,
    dunder.RULE,
    frames.RULE,
    patterns.RULE,
    formats.RULE,
    spelled.RULE,
    hooks.RULE,
    expressions.RULE,
    typehints.RULE,
    paths.RULE,
    addresses.RULE,
    markup.RULE,
    confusables.RULE,
    asking.RULE,
)

RULES: Mapping[str, Rule] = {rule.id: rule for rule in _ALL}
