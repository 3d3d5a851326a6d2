"""The public data sets that Isthmus can read, as plain data: who publishes them, on what terms, which files, which reader.

Nothing is loaded by importing this module: a reader is the name of a function, looked up when a file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from isthmus.errors import InputError, Problem

_RAW = "https://raw.githubusercontent.com/"
_NISP = _RAW + "stavnstrup/nisp-tools/"
_ORYX = _RAW + "scarnecchia/oryx_data/main/"


@dataclass(frozen=True)
class DataFile:
    """One file of a set: patterns of its name (any case), its reader, and an address where one is certain."""

    patterns: tuple[str, ...]
    reader: str
    """'module:function' in this package; takes the path of one file."""
    url: str | None = None
    sha256: str | None = None
    """Of the file behind `url` as its reader was written for, where the address names one version. None where it moves on."""

    def fits(self, name: str) -> bool:
        """Is this a name of the file?"""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.patterns)

    def read(self, path: Path) -> Any:
        """What the reader makes of one file. Raises `InputError`."""
        return _reader(self.reader)(path)


@dataclass(frozen=True)
class Dataset:
    """One public data set."""

    name: str
    title: str
    publisher: str
    citation: str
    terms: str
    files: tuple[DataFile, ...]
    reader: str
    """'module:function'; takes the path of the only file, or of a folder with the files of the set."""

    def file_for(self, name: str) -> DataFile | None:
        """The file of the set that goes by this name."""
        return next((file for file in self.files if file.fits(name)), None)

    @property
    def patterns(self) -> tuple[str, ...]:
        """Names that the set's files may have."""
        return tuple(pattern for file in self.files for pattern in file.patterns)


def read(name: str, path: Path) -> Any:
    """The frames of a set (see its reader) from a file or folder of the user. Raises `InputError`."""
    return _reader(dataset(name).reader)(path)


def dataset(name: str) -> Dataset:
    """The set of this name. Raises `InputError`."""
    found = DATASETS.get(name)
    if found is None:
        raise InputError([Problem("data", None, None, f"'{name}'", "one of: " + ", ".join(DATASETS), "no such data set")])
    return found


def _reader(reference: str) -> Any:
    module, function = reference.split(":")
    return getattr(import_module(f"isthmus.register.importers.{module}"), function)


_ALL = (
    Dataset(
        name="cow-nmc",
        title="National Material Capabilities",
        publisher="Correlates of War Project",
        citation="Singer, Bremer and Stuckey 1972; Singer 1987, International Interactions 14(2)",
        terms="Free for research with citation.",
        files=(DataFile(("cow_nmc.csv", "nmc*.csv"), "cow:read_nmc"),),
        reader="cow:read_nmc",
    ),
    Dataset(
        name="atop",
        title="Alliance Treaty Obligations and Provisions",
        publisher="ATOP Project, Rice University",
        citation="Leeds, Ritter, Mitchell and Long 2002, International Interactions 28(3)",
        terms="Free for research with citation. Not every end of an alliance is a termination.",
        files=(
            DataFile(("atop-alliance-level.csv", "atop*_a.csv", "atop*al.csv"), "atop:read_alliances"),
            DataFile(("atop-member-level.csv", "atop*m.csv"), "atop:read_members"),
            DataFile(("atop*dyadyear*.csv", "atop*dy.csv"), "atop:read_dyad_years"),
            DataFile(("atop*dyad_spells*.csv",), "atop:read_dyad_spells"),
        ),
        reader="atop:read_atop",
    ),
    Dataset(
        name="un",
        title="United Nations General Assembly votes and ideal points",
        publisher="Voeten, Strezhnev and Bailey; wide files as in unvotes",
        citation="Bailey, Strezhnev and Voeten 2017, Journal of Conflict Resolution 61(2)",
        terms="Free for research with citation.",
        files=(
            DataFile(("un_votes_wide*.csv",), "un:read_votes"),
            DataFile(("un_roll_calls.csv",), "un:read_roll_calls"),
            DataFile(("un_roll_call_issues.csv",), "un:read_issues"),
            DataFile(("countries.csv",), "un:read_countries"),
            DataFile(("ideal*points*.csv",), "un:read_ideal_points"),
        ),
        reader="un:read_un",
    ),
    Dataset(
        name="sipri",
        title="Military expenditure, arms transfers, trade register",
        publisher="Stockholm International Peace Research Institute",
        citation="SIPRI Military Expenditure Database; SIPRI Arms Transfers Database, https://www.sipri.org/databases/armstransfers",
        terms="© SIPRI. Fair use with citation; the files may not be passed on.",
        files=(
            DataFile(("*milex*.xlsx",), "sipri:read_milex"),
            DataFile(("tiv_supplier_recipient_year.csv", "*tiv*.csv"), "sipri:read_tiv"),
            DataFile(("trade_register.csv", "trade-register*.csv"), "sipri:read_trade_register"),
        ),
        reader="sipri:read_sipri",
    ),
    Dataset(
        name="kiel",
        title="Ukraine Support Tracker",
        publisher="Kiel Institute for the World Economy",
        citation="Trebesch et al., Kiel Institute, https://www.ifw-kiel.de/topics/war-against-ukraine/ukraine-support-tracker/",
        terms="Cite the Kiel Institute and the release.",
        files=(DataFile(("UkraineTracker*.xlsx", "Ukraine_Support_Tracker*.xlsx"), "kiel:read_kiel"),),
        reader="kiel:read_kiel",
    ),
    Dataset(
        name="oryx",
        title="Visually confirmed losses in Ukraine",
        publisher="Oryx; counted by D. Scarnecchia",
        citation="Oryx (oryxspioenkop.com); Scarnecchia, oryx_data",
        terms="CC BY 4.0.",
        files=(
            DataFile(("daily_count.csv",), "oryx:read_daily", _ORYX + "daily_count.csv"),
            DataFile(("totals_by_type.csv",), "oryx:read_totals_by_type", _ORYX + "totals_by_type.csv"),
            DataFile(("totals_by_system_wide.csv",), "oryx:read_totals_by_system", _ORYX + "totals_by_system_wide.csv"),
        ),
        reader="oryx:read_oryx",
    ),
    Dataset(
        name="missiles",
        title="Massive Missile Attacks on Ukraine",
        publisher="Petro Ivaniuk, from posts of the Ukrainian Air Force",
        citation="Ivaniuk, Massive Missile Attacks on Ukraine (Kaggle)",
        terms="Claims of the Ukrainian Air Force: say so. Counting of lost drones changes from late 2024.",
        files=(
            DataFile(("missile_attacks_daily.csv",), "missiles:read_daily"),
            DataFile(("missiles_and_uavs.csv",), "missiles:read_types"),
        ),
        reader="missiles:read_missiles",
    ),
    Dataset(
        name="pla",
        title="Chinese military activity around Taiwan and Japan",
        publisher="pla-data-dashboard, from Taiwan's MND and Japan's JSO",
        citation="Ministry of National Defense (Taiwan); Joint Staff Office (Japan); s0914712/pla-data-dashboard",
        terms="Cite the two ministries. Level break in August 2022: two different counts.",
        files=(
            DataFile(
                ("JapanandBattleship.csv",),
                "pla:read_pla",
                _RAW + "s0914712/pla-data-dashboard/90a170316c7ccc49830f54b1191e19c12cffed61/data/JapanandBattleship.csv",
                "f523cd14c13889003e4f1d4e11913f0987d28db9a6ba6bcd61aa5088d1c35d07",
            ),
        ),
        reader="pla:read_pla",
    ),
    Dataset(
        name="troops",
        title="US troops by country and year",
        publisher="Flynn, troopdata, from the Defense Manpower Data Center",
        citation="Allen, Flynn and Machain 2022, Conflict Management and Peace Science 39(3)",
        terms="Cite; source DMDC.",
        files=(
            DataFile(
                ("troopdata*.csv",),
                "troops:read_troops",
                _RAW + "meflynn/troopdata/8176d45b3c77bcd08caf4a698ebf0c331385fd8a/data-raw/troopdata-rebuild-country-year.csv",
                "875aa5c712506950786d791feb2a01b030c61e9afbc6df37baee5f453ce5fe5e",
            ),
        ),
        reader="troops:read_troops",
    ),
    Dataset(
        name="nisp",
        title="NATO Interoperability Standards and Profiles; Federated Mission Networking spirals 4 and 5",
        publisher="NATO, in the XML of nisp-tools",
        citation="ADatP-34; FMN spiral specifications; https://github.com/stavnstrup/nisp-tools",
        terms="MIT (nisp-tools).",
        files=(
            DataFile(
                ("nisp-fmn5*.xml",),
                "nisp:read_nisp",
                _NISP + "716b7cfb77681244bf72a64b0f57fbc114268c9e/src/standards/fmn5-20221202-baseline/nisp-fmn5-20221202.xml",
                "12c8f7020d732ed577c660ec217e072a9eed081f964b4c69d76b873daa8b2d1b",
            ),
            DataFile(
                ("nisp-fmn*.xml",),
                "nisp:read_nisp",
                _NISP + "983bcc37f783a4e0f7ac4129d2b23ab75090615d/src/standards/fmn4-20211022-baseline/nisp-fmn4-20211022.xml",
                "ea231d66d531c12741487baee452dd5e92931ab370903090d0cda42e51a45e3b",
            ),
            DataFile(
                ("standards.xml",),
                "nisp:read_nisp",
                _NISP + "115f802c35d311fa157b8286f6ab4f9bc86b0d52/src/standards/standards.xml",
                "e51a7b64f4a1adddebf061d28cd5456011cbec64506104ae451dc12895a381dd",
            ),
        ),
        reader="nisp:read_folder",
    ),
    Dataset(
        name="dod-p1",
        title="Exhibit P-1, procurement programs, FY 2025",
        publisher="US Department of Defense, Comptroller",
        citation="Procurement Programs (P-1), Department of Defense Budget, Fiscal Year 2025",
        terms="Public domain.",
        files=(
            DataFile(
                ("p1_display*.xlsx", "p1*.xlsx"),
                "dod:read_p1",
                "https://comptroller.war.gov/Portals/45/Documents/defbudget/FY2025/p1_display.xlsx",
                "71759725cc06d6c6112c78adcf0ce06d8659c9fb418ee947bd299aebd4d26f5f",
            ),
        ),
        reader="dod:read_p1",
    ),
    Dataset(
        name="icb",
        title="International Crisis Behavior, version 13",
        publisher="ICB Project, Duke University",
        citation="Brecher, Wilkenfeld, Beardsley, James and Quinn, ICB Data Codebook, version 13",
        terms="Free for research with citation.",
        files=(DataFile(("icb1v*.csv",), "icb:read_crises"), DataFile(("icb2v*.csv",), "icb:read_actors")),
        reader="icb:read_icb",
    ),
    Dataset(
        name="mid",
        title="Militarized Interstate Disputes, version 5.0; dyadic set 4.02 and 4.03",
        publisher="Correlates of War Project",
        citation="Palmer, McManus, D'Orazio, Kenwick, Karstens, Bloch, Dietrich, Kahn, Ritter and Soules 2021, Conflict Management and "
        "Peace Science; Maoz, Johnson, Kaplan, Ogunkoya and Shreve 2018 (dyads)",
        terms="Cite the article of record and give the version. Dyadic files: cite theirs beside it.",
        files=(
            DataFile(("MIDA*.csv",), "mid:read_disputes"),
            DataFile(("MIDB*.csv",), "mid:read_participants"),
            DataFile(("dyadic_mid*.csv",), "mid:read_dyads"),
            DataFile(("cow_mid_d*disps*.csv",), "mid:read_dyad_years"),
        ),
        reader="mid:read_mid",
    ),
    Dataset(
        name="gml",
        title="Militarized interstate disputes corrected by Gibler, Miller and Little, versions 2.x",
        publisher="Gibler, Miller and Little",
        citation="Gibler, Miller and Little 2016, International Studies Quarterly 60(4)",
        terms="Cite, with the version. A maintainer asks that what is done with the set be the researcher's own decision: say how "
        "cases were drawn from it.",
        files=(
            DataFile(("gml-mida*.csv",), "gml:read_disputes"),
            DataFile(("gml-midb*.csv",), "gml:read_participants"),
            DataFile(("gml-ddy*.csv", "gml-ndy*.csv", "gml_dirdisp*.csv", "gml_mid_ddydisps*.csv"), "gml:read_dyad_years"),
        ),
        reader="gml:read_gml",
    ),
    Dataset(
        name="exercises",
        title="Multinational Military Exercises 1980-2010, version 7",
        publisher="D'Orazio, Harvard Dataverse",
        citation="D'Orazio, doi:10.7910/DVN/KHFODX",
        terms="Cite.",
        files=(DataFile(("mme*.csv",), "exercises:read_exercises"),),
        reader="exercises:read_exercises",
    ),
    Dataset(
        name="natural-earth",
        title="Countries (admin-0), 1:110m",
        publisher="Natural Earth; GeoJSON by M. Afford",
        citation="Natural Earth, naturalearthdata.com",
        terms="Public domain.",
        files=(
            DataFile(
                ("ne_*_admin_0_countries*.json", "ne_*_admin_0_countries*.geojson"),
                "natural_earth:read_countries",
                _RAW
                + "martynafford/natural-earth-geojson/90266457d82d3717e47313e72a921e31a087d2c4"
                + "/110m/cultural/ne_110m_admin_0_countries.json",
                "a2faba6d84aeb04246240ee301c5e94a1a32b0e294a2c97094262fd0a6ae3c16",
            ),
        ),
        reader="natural_earth:read_countries",
    ),
    Dataset(
        name="rdmc",
        title="Distribution of military capabilities 1970-2014",
        publisher="Gannon",
        citation="Gannon, rearmed distribution of military capabilities (rDMC), version 1",
        terms="Cite. Derived from the IISS Military Balance: the file may not be passed on.",
        files=(DataFile(("rDMC_wide*.csv",), "rdmc:read_rdmc"),),
        reader="rdmc:read_rdmc",
    ),
    Dataset(
        name="chpl",
        title="Common High Priority List, February 2024",
        publisher="United States, European Union, United Kingdom, Japan",
        citation="Common High Priority List, February 2024",
        terms="Public.",
        files=(DataFile(("chpl*.csv",), "chpl:read_chpl"),),
        reader="chpl:read_chpl",
    ),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({entry.name: entry for entry in _ALL})
"""Name of the set -> the set."""
