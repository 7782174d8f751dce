"""Public fakes: test your notebooks and code without a key, without money and without leaving the machine.

`FakeOpenAI` is a real HTTP server on a loopback socket; point ``OPENAI_BASE_URL`` at its `base_url` and every process
that speaks the API meets it. ``python -m jupyter_autocoder.testing --answers FILE`` runs it alone.
`BrokerSuite` is the conformance suite for adapters to brokers: subclass it in a test file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_autocoder.testing.doubles import FrozenClock, ScriptedModel
from jupyter_autocoder.testing.replies import FAULTS, FOREVER, Reply, ScriptedCall, failure, fault
from jupyter_autocoder.testing.server import FakeOpenAI, Received

if TYPE_CHECKING:
    from jupyter_autocoder.broking.conformance import BrokerSuite

__all__ = [
    "FAULTS",
    "FOREVER",
    "BrokerSuite",
    "FakeOpenAI",
    "FrozenClock",
    "Received",
    "Reply",
    "ScriptedCall",
    "ScriptedModel",
    "failure",
    "fault",
]


def __getattr__(name: str) -> Any:
    # It needs pytest, which a server of fakes does not.
    if name == "BrokerSuite":
        from jupyter_autocoder.broking.conformance import BrokerSuite

        return BrokerSuite
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
