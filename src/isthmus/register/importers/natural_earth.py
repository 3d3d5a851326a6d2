"""Natural Earth: countries (admin-0) as GeoJSON, WGS 84 degrees. Public domain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.importers import _files
from isthmus.register.importers._tables import MOST_PROBLEMS, check_is_file, fail

FILES = ("ne_*_admin_0_countries*.json", "ne_*_admin_0_countries*.geojson")
_ALLOWED = "a GeoJSON FeatureCollection of countries"
_MOST_BYTES = 256 << 20
_TEXT = {"NAME": "name", "NAME_LONG": "name_long", "SOVEREIGNT": "sovereign", "CONTINENT": "continent", "SUBREGION": "subregion"}


def read_countries(path: Path) -> pd.DataFrame:
    """One row a country: iso3, names, continent, subregion, population, geometry (GeoJSON text), west, south, east, north.

    Natural Earth gives France, Norway and a few others the code -99; there `iso3` falls back on its own three letters.
    """
    path = _files.one(path, *FILES)
    features = _features(path)
    problems: list[Problem] = []
    records = []
    for number, feature in enumerate(features, 1):
        try:
            records.append(_record(feature))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
            allowed = "a feature with a polygon and with " + ", ".join((*_TEXT, "ADM0_A3"))
            found = f"{type(error).__name__}: {error}"
            problems.append(Problem(path.name, None, f"feature {number}", found, allowed, "a country that cannot be read"))
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
    frame = pd.DataFrame(records)
    return frame.astype(dict.fromkeys(("iso3", *_TEXT.values(), "geometry"), "string"))


def _features(path: Path) -> list[Any]:
    check_is_file(path, _ALLOWED)
    if path.stat().st_size > _MOST_BYTES:
        fail(path.name, f"{path.stat().st_size:,} bytes", f"at most {_MOST_BYTES:,}", "the file is too large")
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        fail(path.name, f"byte 0x{error.object[error.start]:02x}", "UTF-8", "wrong encoding")
    except json.JSONDecodeError as error:
        fail(path.name, error.msg, _ALLOWED, "not JSON", row=error.lineno)
    except (RecursionError, OSError) as error:
        fail(path.name, type(error).__name__, _ALLOWED, "the file cannot be read")
    features = data.get("features") if isinstance(data, dict) and data.get("type") == "FeatureCollection" else None
    if not isinstance(features, list) or not features:
        fail(path.name, "other JSON" if features is None else "no features", _ALLOWED, "this is another file")
    return features


def _record(feature: Any) -> dict[str, Any]:
    properties, geometry = feature["properties"], feature["geometry"]
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"geometry {geometry['type']}")
    codes = (properties.get(name) for name in ("ISO_A3", "ISO_A3_EH", "ADM0_A3"))
    iso3 = next((code for code in codes if isinstance(code, str) and len(code) == 3 and code.isalpha()), None)
    if iso3 is None:
        raise ValueError("no code of three letters")
    points = list(_points(geometry["coordinates"]))
    lon, lat = [p[0] for p in points], [p[1] for p in points]
    return {
        "iso3": iso3,
        **{name: properties[source] for source, name in _TEXT.items()},
        "population": float(properties.get("POP_EST") or "nan"),
        "west": min(lon),
        "south": min(lat),
        "east": max(lon),
        "north": max(lat),
        "geometry": json.dumps(geometry, separators=(",", ":")),
    }


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _points(part)
