"""Public fakes: test your notebooks and code without a key, without money and without leaving the machine.

`FakeOpenAI` is a real HTTP server on a loopback socket; point ``OPENAI_BASE_URL`` at its `base_url` and every process
that speaks the API meets it. ``python -m jupyter_autocoder.testing --answers FILE`` runs it alone.
"""

from __future__ import annotations

from jupyter_autocoder.testing.doubles import FrozenClock, ScriptedModel
from jupyter_autocoder.testing.replies import FAULTS, FOREVER, Reply, ScriptedCall, failure, fault
from jupyter_autocoder.testing.server import FakeOpenAI, Received

__all__ = [
    "FAULTS",
    "FOREVER",
    "FakeOpenAI",
    "FrozenClock",
    "Received",
    "Reply",
    "ScriptedCall",
    "ScriptedModel",
    "failure",
    "fault",
]
