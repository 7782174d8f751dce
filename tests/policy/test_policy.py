"""Settings add imports, switch rules and forbid capabilities; what is forbidden wins."""

from __future__ import annotations

import pytest

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.policy import RULES, Policy, check
from jupyter_autocoder.settings import PolicySettings

UNSWITCHABLE = [rule.id for rule in RULES.values() if not rule.switchable]


@pytest.mark.parametrize(
    ("added", "code"),
    [
        ("yfinance", "import yfinance as yf\nyf.download('AAPL')"),  # a module that a rule refuses by name
        ("mylab", "from mylab.tools import f"),  # everything in a package
        ("mylab.tools", "import mylab.tools\nfrom mylab.tools.deep import g"),  # a part of one
        ("subprocess", "import subprocess\nsubprocess.run(['ls'])\nx = [subprocess]"),
        ("os", "import os\nos.umask(0)\nf(os)"),  # a partly open module becomes open
    ],
)
def test_an_added_import_is_open_with_all_its_members(added: str, code: str) -> None:
    assert not check(code).allowed
    assert check(code, Policy(imports=frozenset({added}))).findings == ()


@pytest.mark.parametrize("code", ["import mylab.secrets", "from mylab import secrets", "import mylabel"])
def test_an_added_part_opens_nothing_beside_it(code: str) -> None:
    assert not check(code, Policy(imports=frozenset({"mylab.tools"}))).allowed


def test_an_allowed_rule_does_not_fire() -> None:
    code = "import requests\neval('1')"

    verdict = check(code, Policy(allow=frozenset({"network"})))

    assert [finding.rule for finding in verdict.findings] == ["dynamic-code"]


def test_forbid_wins_over_allow() -> None:
    policy = Policy(allow=frozenset({"network"}), forbid=frozenset({"network"}))

    assert not check("import requests", policy).allowed


@pytest.mark.parametrize(
    ("capability", "code"),
    [
        ("files-written", "open('a', 'w')"),
        ("files-written", "df.to_csv('a')"),
        ("files-written", "from pathlib import Path\nPath('a').open('w')"),
        ("files-written", "open('a', mode)"),  # what is not known may be writing
        ("files-read", "open('a')"),
        ("plotting", "import matplotlib.pyplot as plt"),
        ("randomness", "import numpy as np\nnp.random.rand()"),
        ("time", "from datetime import datetime\ndatetime.now()"),
        ("threads", "import asyncio\nasyncio.run(f())"),
        ("display", "display(1)"),
    ],
)
def test_a_forbidden_capability_is_a_finding(capability: str, code: str) -> None:
    assert check(code).allowed

    verdict = check(code, Policy(forbid=frozenset({capability})))

    assert [finding.rule for finding in verdict.findings] == [capability]
    assert capability in verdict.capabilities


@pytest.mark.parametrize("rule", UNSWITCHABLE)
def test_what_cannot_be_checked_cannot_be_allowed(rule: str) -> None:
    with pytest.raises(SettingsError, match="cannot be switched off"):
        Policy(allow=frozenset({rule}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allow", frozenset({"nettwork"})),
        ("forbid", frozenset({"flying"})),
        ("imports", frozenset({"not a module"})),
        ("imports", "numpy"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        Policy(**{key: value})  # type: ignore[arg-type]

    assert caught.value.key == f"policy.{key}"
    assert caught.value.do


def test_settings_make_a_policy() -> None:
    settings = PolicySettings(imports=("mylab",), allow=("process",), forbid=("time", "process"))

    policy = Policy.from_settings(settings)

    assert policy.imports == {"mylab"}
    assert policy.off == set()
    assert policy.forbid == {"time", "process"}
    assert {"mylab", "numpy", "math"} <= policy.modules
