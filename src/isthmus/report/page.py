"""Everything that the template of the report shows, computed when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from isthmus.register import Register
from isthmus.report.audits import AuditSection
from isthmus.report.aware import AwareSection
from isthmus.report.campaigns import CampaignSection
from isthmus.report.context import Context
from isthmus.report.evidence import Evidence
from isthmus.report.exchange import ExchangeSection
from isthmus.report.layering import LayerSection
from isthmus.report.margins import MarginSection
from isthmus.report.reaching import ReachSection
from isthmus.report.scorecard import ScorecardSection
from isthmus.report.systems import SystemsSection
from isthmus.report.validated import ValidationSection
from isthmus.report.wording import plain
from isthmus.study.results import Results

THRESHOLDS = {
    "implemented": "counts only what is implemented",
    "agreed": "counts what is agreed as if it were done",
    "declared": "counts what is declared as if it were done",
}


class Page:
    """How to read the run, and its sections."""

    def __init__(
        self,
        results: Results,
        *,
        validation: Mapping[str, Any] | None = None,
        excursions: Mapping[str, Any] | None = None,
        register: Register | None = None,
    ) -> None:
        self.run = Context(results, register)
        self.study = self.run.study
        self.manifest = self.run.manifest
        self.run_name = results.folder.root.resolve().name
        self.reach = ReachSection(self.run)
        self.campaigns = CampaignSection(self.run)
        self.layers = LayerSection(self.run)
        self.exchange = ExchangeSection(self.run)
        self.margins = MarginSection(self.run)
        self.audits = AuditSection(self.run, self.margins)
        self.systems = SystemsSection(self.run)
        self.aware = AwareSection(self.run)
        self.scorecard = ScorecardSection(self.run, excursions)
        self.validation = ValidationSection(self.run, validation) if validation is not None else None

    @cached_property
    def evidence(self) -> Evidence | None:
        return None if self.run.plan is None else Evidence(self.run.plan, self.run.names)

    @property
    def ecosystem_rules(self) -> list[tuple[str, str]]:
        out = []
        for spec in self.study["ecosystems"]:
            text = THRESHOLDS[spec["threshold"]]
            text += "".join(f"; {layer}: {step}" for layer, step in spec["layers"].items())
            if spec["complete"]:
                text += f"; and every {', '.join(spec['complete'])} of a coalition is held by all of it to whom it applies"
            out.append((plain(spec["name"]), text))
        return out

    @property
    def war_cases(self) -> list[tuple[str, str]]:
        name = self.run.names.of
        return [
            (
                plain(c["name"]),
                "; ".join(f"{name('theaters', t)} from week {start + 1}" for t, start in c["starts"].items())
                + ("; with force exchange" if c.get("exchange") else ""),
            )
            for c in self.run.war_cases
        ]

    @property
    def tiers(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        name = self.run.names.of
        for theater, mission, tier in self.manifest["tiers"]:
            out.setdefault(tier, []).append(f"{name('missions', mission)} ({name('theaters', theater)})")
        return out

    @property
    def not_modelled(self) -> list[str]:
        if self.run.plan is None:
            return []
        here = {m for _, m, _ in self.manifest["tiers"]}
        missions = self.run.plan.register.table("missions")
        return [str(n) for m, n in zip(missions["mission_id"], missions["name"], strict=True) if m not in here]

    @property
    def claims(self) -> list[str]:
        return [f"{plain(c['claim'])} ({c['state']}; takes from {', '.join(c['actors'])})" for c in self.study["claims"]]

    @property
    def hubs(self) -> str:
        """Who the hub of each side is, in brackets; empty where the register is not at hand."""
        hubs = self.run.plan.wide.hub_of if self.run.plan else {}
        said = "; ".join(f"{side}: {self.run.names.of('actors', hub)}" for side, hub in sorted(hubs.items()))
        return f" ({said})" if said else ""

    @property
    def sampling_error(self) -> str:
        return f"{50 / np.sqrt(self.run.futures):.1f}"
