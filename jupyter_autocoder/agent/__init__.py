"""The way of a prompt, as pure logic: what to ask, check and run next, and what to make of the result."""

from __future__ import annotations

from jupyter_autocoder.agent.loop import Ask, Check, Collect, Execute, Request, Solution, solve

__all__ = ["Ask", "Check", "Collect", "Execute", "Request", "Solution", "solve"]
