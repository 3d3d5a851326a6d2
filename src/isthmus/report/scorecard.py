"""The scorecard of excursions in the report: named cases beside the base, paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from isthmus.report.context import Context
from isthmus.report.elements import Body, Row, Table
from isthmus.report.wording import plain, points_error

OUTCOMES = {"need_met": "need met", "share_defence_unsustained": "defence unsustained"}


class ScorecardSection:
    """`document`: a scorecard as `isthmus.study.excursions.read_scorecard` gives it, or None."""

    def __init__(self, run: Context, document: Mapping[str, Any] | None) -> None:
        self.run = run
        self.document = document

    @cached_property
    def warnings(self) -> list[str]:
        """In what the scorecard was made otherwise than the run."""
        if self.document is None:
            return []
        out = []
        mine, other = self.run.manifest["register"]["hash"], str(self.document["register"])
        if mine != other:
            out.append(f"The excursions were run with another register ({other[:16]}) than this run ({mine[:16]}).")
        if self.document["study"] != self.run.study["study"]:
            out.append(f"Their base is the study {self.document['study']}, and this run is of {self.run.study['study']}.")
        return out

    @cached_property
    def table(self) -> Table | None:
        if self.document is None:
            return None
        run, document = self.run, self.document
        frame = pd.DataFrame(document["rows"])
        defending = {str(x) for x in document["defending"]}
        shown = frame[
            (frame["ecosystem"] == document["ecosystem"])
            & (frame["war_case"] == document["war_case"])
            & frame["outcome"].isin(list(OUTCOMES))
            & frame["front"].isin(defending)
        ]
        if not len(shown):
            return None
        columns = list(dict.fromkeys(zip(shown["outcome"], shown["front"], shown["mission"], strict=True)))
        columns.sort(key=lambda c: list(OUTCOMES).index(c[0]))
        rows = []
        for _, part in shown.groupby("excursion", sort=False):
            by = part.set_index(["outcome", "front", "mission"])
            cells = tuple(
                points_error(float(by.at[c, "difference"]), float(by.at[c, "standard_error"])) if c in by.index else "–"
                for c in columns
            )
            rows.append(Row(str(part["title"].iloc[0]), cells))
        return Table(
            "t-scorecard",
            f"Excursions from {plain(str(document['study']))}, {plain(str(document['war_case']))}, {plain(str(document['ecosystem']))}:"
            " mean paired change in percentage points ± one standard error",
            ("model result",),
            ("Excursion", *(f"{run.names.place(front, mission)}: {OUTCOMES[o]}" for o, front, mission in columns)),
            (Body(None, tuple(rows)),),
            marked=run.campaign_marked,
            note=f"{document['futures']:,} futures, the same in the base and in every excursion.",
        )
