"""The AST policy: what generated code may say, decided before it runs.

The filter is default-deny over syntax and imports and explains every refusal. It is no boundary: what a string holds
at run time is beyond any reader of source. The sandbox is the boundary, and is built to hold without this part.
"""

from __future__ import annotations

from jupyter_autocoder.events import Finding, Verdict
from jupyter_autocoder.policy.capabilities import CAPABILITIES
from jupyter_autocoder.policy.checker import check
from jupyter_autocoder.policy.policy import Policy
from jupyter_autocoder.policy.report import Checked, render
from jupyter_autocoder.policy.rules import RULES

__all__ = ["CAPABILITIES", "RULES", "Checked", "Finding", "Policy", "Verdict", "check", "render"]
