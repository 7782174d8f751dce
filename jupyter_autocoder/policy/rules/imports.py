"""Imports of modules that nobody has judged."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("import", ()):
        yield Hit(offence.node, f"the module {offence.path!r} is not among those that may be imported")


RULE = Rule(
    id="import",
    summary="A module is imported that is not on the list.",
    reason="What a module can reach is known only for those that were judged.",
    fix="Use the standard library, numpy, pandas, scipy, scikit-learn, statsmodels, matplotlib, seaborn or plotly; "
    "whoever keeps the settings can add the module under [policy] imports.",
    find=_find,
)
