"""Statements by year, side, topic and concreteness: what is said, and how firmly. The words are not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isthmus.awareness.periods import first_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from isthmus.register.register import Register

DETERRENCE: Final = frozenset(("great_power_deterrence", "collective_defence", "nuclear"))
TRANSNATIONAL: Final = frozenset(("transnational",))
LEVELS: Final = ("declares", "tasks", "commits_number_or_date")
UNLISTED: Final = "unlisted"
COVERAGE: Final = "Statements are a chosen few, coded clause by clause from pages that were found. Shares describe the rows, not all that was said."
COLUMNS: Final = ("year", "side", "family", "topic", "statements", "codings", *LEVELS)


def statement_rows(register: Register, at: str | None = None) -> pd.DataFrame:
    """One row a coding (statement and topic): date, title, issuer, side, family, topic, concreteness, source_id, fact_id.

    With `at`, statements of that day or before; pass the register itself, not its view: a statement was made on its own date,
    whenever the page was written that it was coded from. side: of its issuers; mixed, neutral, or 'unlisted' for the name of a format
    that is no actor. family: deterrence, transnational or other.
    """
    sides = register.table("actors").set_index("actor_id")["side"].to_dict()
    frame = register.table("statements")
    if at is not None:
        day = first_day(at)
        frame = frame.loc[[first_day(d) <= day for d in frame["date"]]]
    frame = frame.copy()
    frame["side"] = [_side(issuer, sides) for issuer in frame["issuer"]]
    frame["family"] = [_family(topic) for topic in frame["topic"]]
    names = ["date", "title", "issuer", "side", "family", "topic", "concreteness", "source_id", "confidence", "fact_id"]
    return frame[names].sort_values(["date", "title", "topic", "fact_id"], ignore_index=True)


def by_topic(rows: pd.DataFrame) -> pd.DataFrame:
    """By year, side, family and topic: statements (documents), codings, and codings by concreteness; columns `COLUMNS`.

    A statement coded on two topics stands in two rows: `statements` must not be added over topics.
    """
    import pandas as pd

    out = []
    keyed = rows.assign(year=[int(d[:4]) for d in rows["date"]])
    for key, part in keyed.groupby(["year", "side", "family", "topic"], sort=True):
        documents = len(part[["date", "title", "issuer"]].drop_duplicates())
        out.append((*key, documents, len(part), *(int((part["concreteness"] == level).sum()) for level in LEVELS)))
    return pd.DataFrame(out, columns=list(COLUMNS))


def _family(topic: str) -> str:
    return "deterrence" if topic in DETERRENCE else "transnational" if topic in TRANSNATIONAL else "other"


def _side(issuer: str, sides: Mapping[str, str]) -> str:
    found = {sides.get(one.strip(), UNLISTED) for one in issuer.split(";")}
    known = found & {"allied", "rival"}
    if len(known) > 1:
        return "mixed"
    return next(iter(known)) if known else UNLISTED if UNLISTED in found else "neutral"
