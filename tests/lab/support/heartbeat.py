"""How those who read a status by its text judge it."""

from __future__ import annotations

import re


def judges_running(text: str) -> bool:
    """ResourceManager of heartbeat 3.0.6: shell patterns over all lines, the one with "not" first."""
    if re.search(r"[Nn][Oo][Tt] .*[Rr]unning", text, re.DOTALL):
        return False
    return bool(re.search(r"[Rr]unning|OK", text)) or "RUNNING" in text


def pacemaker_judges_running(text: str) -> bool:
    """Pacemaker's class heartbeat (raexechb.c): lower case, "stopped" first."""
    text = text.lower()
    if "stopped" in text or re.search(r"not.*running", text, re.DOTALL):
        return False
    return "running" in text or "ok" in text


def agree(code: int, text: str) -> bool:
    """Whether exit code and text tell everybody the same."""
    return {code == 0} == {judges_running(text), pacemaker_judges_running(text)}
