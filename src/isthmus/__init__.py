"""Isthmus: how much scale could a front of an alliance system draw on, and for how long?"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.register import Register

__all__ = ["Register"]

_HOME = {"Register": "isthmus.register"}
"""Public name -> module that defines it, imported on first use."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
