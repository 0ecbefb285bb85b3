"""What a plain (unquoted) YAML scalar stands for."""

from __future__ import annotations

import re
from typing import Any

_TRUE = frozenset({"y", "Y", "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_BASED = re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o?[0-7_]+|b[01_]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INF = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}


def scalar_value(value: str) -> Any:
    """Read a plain (unquoted) scalar the way the Kubernetes API machinery does."""
    if value in _NULL:
        return None
    first = value[0]
    if first in "tTyYoO" and value in _TRUE:
        return True
    if first in "fFnNoO" and value in _FALSE:
        return False
    if first in "+-.0123456789":
        if _INT.match(value):
            return int(value.replace("_", ""))
        if _BASED.match(value):
            digits = value.replace("_", "")
            sign = -1 if digits[0] == "-" else 1
            digits = digits.lstrip("+-")
            base = {"x": 16, "b": 2}.get(digits[1:2], 8)
            return sign * int(digits[2:] if not digits[1:2].isdigit() else digits, base)
        if _FLOAT.match(value):
            return float(value)
        if value.lower() in _INF:
            return _INF[value.lower()]
    return value
