"""Partial dates and periods of the register as days."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from isthmus.register.register import period_start

DAYS_PER_YEAR: Final = 365.25
DAYS_PER_MONTH: Final = DAYS_PER_YEAR / 12

FISCAL_YEAR_STARTS: Final[Mapping[str, int]] = MappingProxyType({"JPN": 4})
"""Actor that counts -> month in which its fiscal year begins. A fiscal year of any other actor has no known days."""


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both inside."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def months(self) -> float:
        """Length in months of equal length."""
        return self.days / DAYS_PER_MONTH

    @property
    def calendar_months(self) -> float:
        """Whole months where it begins and ends with a month; otherwise its length in months of equal length."""
        ends = self.last.day == calendar.monthrange(self.last.year, self.last.month)[1]
        if self.first.day == 1 and ends:
            return float((self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1)
        return self.months

    def contains(self, other: Period) -> bool:
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Period) -> bool:
        return self.first <= other.last and other.first <= self.last


def first_day(partial: str) -> date:
    """'2024' -> 1 January 2024, as `Register.at` reads a partial date."""
    return date.fromisoformat(period_start(partial))


def last_day(partial: str) -> date:
    """'2024' -> 31 December 2024; '2024-02' -> 29 February 2024."""
    if len(partial) == len("2024"):
        return date(int(partial), 12, 31)
    if len(partial) == len("2024-02"):
        year, month = int(partial[:4]), int(partial[5:])
        return date(year, month, calendar.monthrange(year, month)[1])
    return date.fromisoformat(partial)


def middle_day(partial: str) -> date:
    """The day in the middle of a partial date: where it lies when nothing more is known."""
    first = first_day(partial)
    return first + timedelta(days=(last_day(partial) - first).days // 2)


def month_period(month: str) -> Period:
    """The days of 'YYYY-MM'."""
    return Period(first_day(month), last_day(month))


def parse_period(text: str, counted_by: str | None = None) -> Period | None:
    """Days of a period of `probing`: a year, month or day, 'from/to', or 'FYyyyy' of the actor that counts.

    None for a fiscal year whose beginning is not known.
    """
    if text.startswith("FY"):
        month = FISCAL_YEAR_STARTS.get(counted_by or "")
        if month is None:
            return None
        year = int(text[2:6])
        return Period(date(year, month, 1), date(year + 1, month, 1) - timedelta(days=1))
    first, _, last = text.partition("/")
    return Period(first_day(first), last_day(last or first))
