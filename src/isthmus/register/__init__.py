"""The register: sourced facts in plain tables, checked, typed and dated."""

from isthmus.register.register import Register

__all__ = ["Register"]
