"""States of the register in other people's codes and names. Anything not listed here is 'not mapped' and keeps its own code."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

_COW = (
    "USA 2 CAN 20 MEX 70 NIC 93 COL 100 VEN 101 ECU 130 PER 135 BRA 140 CHL 155 ARG 160 GBR 200 IRL 205 NLD 210 BEL 211 LUX 212 "
    "FRA 220 CHE 225 ESP 230 PRT 235 DEU 255 POL 290 AUT 305 HUN 310 CZE 316 SVK 317 ITA 325 MLT 338 ALB 339 MNE 341 MKD 343 "
    "HRV 344 SRB 345 BIH 346 SVN 349 GRC 350 CYP 352 BGR 355 MDA 359 ROU 360 RUS 365 EST 366 LVA 367 LTU 368 UKR 369 BLR 370 "
    "ARM 371 GEO 372 AZE 373 FIN 375 SWE 380 NOR 385 DNK 390 ISL 395 MLI 432 BEN 434 BFA 439 TCD 483 DJI 522 ZAF 560 MAR 600 "
    "DZA 615 IRN 630 TUR 640 IRQ 645 EGY 651 SYR 652 JOR 663 ISR 666 SAU 670 KWT 690 BHR 692 QAT 694 ARE 696 OMN 698 TKM 701 "
    "TJK 702 KGZ 703 UZB 704 KAZ 705 CHN 710 MNG 712 TWN 713 PRK 731 KOR 732 JPN 740 IND 750 PAK 770 BGD 771 MMR 775 LKA 780 "
    "THA 800 KHM 811 LAO 812 VNM 816 MYS 820 SGP 830 BRN 835 PHL 840 IDN 850 TLS 860 AUS 900 PNG 910 NZL 920 FJI 950 TON 955"
).split()
COW_TO_ISO3: Mapping[int, str] = MappingProxyType({int(code): iso3 for iso3, code in zip(_COW[::2], _COW[1::2], strict=True)})
"""COW country code -> ISO3. 260 and 265 (two Germanies), 315 (Czechoslovakia) and other former states are left out on purpose:
both 255 and 260 have a row for 1990. 345 is Yugoslavia before 2006, 365 the Soviet Union before 1992: COW's own continuity."""

_NAMES = {
    "USA": "United States|United States of America",
    "KOR": "South Korea|Korea, South|Republic of Korea",
    "PRK": "North Korea|Korea, North",
    "TUR": "Turkey|Turkiye|Türkiye",
    "CZE": "Czechia|Czech Republic",
    "BIH": "Bosnia and Herzegovina|Bosnia & Herzegovina|Bosnia-Herzegovina",
    "MKD": "North Macedonia|Macedonia",
    "ARE": "United Arab Emirates|UAE",
    "VNM": "Vietnam|Viet Nam",
    "MMR": "Myanmar|Myanmar (Burma)",
    "KGZ": "Kyrgyzstan|Kyrgyz Republic",
    "TLS": "Timor-Leste|Timor Leste",
    "GBR": "United Kingdom|UK",
    "ALB": "Albania",
    "BEL": "Belgium",
    "BGR": "Bulgaria",
    "CAN": "Canada",
    "HRV": "Croatia",
    "DNK": "Denmark",
    "EST": "Estonia",
    "FIN": "Finland|FInland",
    "FRA": "France",
    "DEU": "Germany",
    "GRC": "Greece",
    "HUN": "Hungary",
    "ISL": "Iceland",
    "ITA": "Italy",
    "LVA": "Latvia",
    "LTU": "Lithuania",
    "LUX": "Luxembourg",
    "MNE": "Montenegro",
    "NLD": "Netherlands",
    "NOR": "Norway",
    "POL": "Poland",
    "PRT": "Portugal",
    "ROU": "Romania",
    "SVK": "Slovakia",
    "SVN": "Slovenia",
    "ESP": "Spain",
    "SWE": "Sweden",
    "UKR": "Ukraine",
    "JPN": "Japan",
    "AUS": "Australia",
    "NZL": "New Zealand",
    "TWN": "Taiwan",
    "PHL": "Philippines",
    "CHN": "China",
    "RUS": "Russia",
    "BLR": "Belarus",
    "IRN": "Iran",
    "IND": "India",
    "QAT": "Qatar",
    "SAU": "Saudi Arabia",
    "SGP": "Singapore",
    "ISR": "Israel",
    "CHE": "Switzerland",
    "AUT": "Austria",
    "EGY": "Egypt",
    "IDN": "Indonesia",
    "THA": "Thailand",
    "KWT": "Kuwait",
    "CYP": "Cyprus",
    "KAZ": "Kazakhstan",
    "CHL": "Chile",
    "MYS": "Malaysia",
    "MAR": "Morocco",
    "SRB": "Serbia",
    "OMN": "Oman",
    "ARM": "Armenia",
    "TJK": "Tajikistan",
    "GEO": "Georgia",
    "JOR": "Jordan",
    "BHR": "Bahrain",
    "SYR": "Syria",
    "MDA": "Moldova",
    "DZA": "Algeria",
    "ARG": "Argentina",
    "KHM": "Cambodia",
    "DJI": "Djibouti",
    "BRA": "Brazil",
    "BRN": "Brunei",
    "COL": "Colombia",
    "ECU": "Ecuador",
    "IRQ": "Iraq",
    "IRL": "Ireland",
    "MLT": "Malta",
    "PNG": "Papua New Guinea",
    "MEX": "Mexico",
    "PER": "Peru",
    "LKA": "Sri Lanka",
    "TON": "Tonga",
    "FJI": "Fiji",
    "MNG": "Mongolia",
    "LAO": "Laos",
    "NIC": "Nicaragua",
    "BGD": "Bangladesh",
    "BFA": "Burkina Faso",
    "MLI": "Mali",
    "PAK": "Pakistan",
    "UZB": "Uzbekistan",
    "COK": "Cook Islands",
    "ZAF": "South Africa",
    "AZE": "Azerbaijan",
    "TKM": "Turkmenistan",
    "VEN": "Venezuela",
    "BEN": "Benin",
    "TCD": "Chad",
}
NAME_TO_ISO3: Mapping[str, str] = MappingProxyType(
    {name.lower(): iso3 for iso3, names in _NAMES.items() for name in names.split("|")}
)
"""Name in lower case -> ISO3. Former states (Soviet Union, West Germany, Czechoslovakia, Yugoslavia) are not mapped."""


def by_cow(codes: pd.Series) -> pd.Series:
    """ISO3, or 'COW' and the code where the register has no such state. NA stays NA."""
    labels = {code: COW_TO_ISO3.get(int(code), f"COW{int(code)}") for code in codes.dropna().unique()}
    return codes.map(labels).astype("string")


def by_name(names: pd.Series) -> pd.Series:
    """ISO3, or NA where the register has no such state."""
    return names.str.lower().map(dict(NAME_TO_ISO3)).astype("string")
