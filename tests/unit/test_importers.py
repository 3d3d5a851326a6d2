"""Importers on tiny files in each publisher's format, and on files that are wrong in each way a user can get wrong."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from isthmus.errors import InputError, Problem
from isthmus.register import importers
from isthmus.register.importers import (
    atop,
    chpl,
    cow,
    disputes,
    dod,
    exercises,
    gml,
    icb,
    kiel,
    mid,
    missiles,
    natural_earth,
    nisp,
    oryx,
    pla,
    rdmc,
    sipri,
    states,
    troops,
    un,
)

NMC = "ccode,year,milex,milper,irst,pec,tpop,upop,cinc\n2,1816,3823,17,80,254,8659,101,0.04\n260,1960,-9,-9,1,2,3,4,0.05\n"
ATOP_HEAD = "atopid,begyr,begmo,begday,endyr,endmo,endday,term,defense,offense,neutral,nonagg,consul,mem1,mem2,version"
MEMBER_HEAD = "atopid,member,yrent,moent,dayent,yrexit,moexit,dayexit,defense,offense,neutral,nonagg,consul,phase"
DYAD_HEAD = "ccode1,ccode2,year,atop_defense,atop_offense,atop_neutral,atop_nonagg,atop_consul"
SPELL_HEAD = (
    "ccode1,ccode2,start,end,any_defense,any_offense,any_neutral,any_nonagg,any_consul,years,right_censored,kind,"
    "cinc1_start,cinc2_start,major1,major2,asymmetric_major_minor"
)
MISSILES_HEAD = "time_start,time_end,model,launch_place,target,launched,destroyed,not_reach_goal,still_attacking,carrier,source"
PLA_HEAD = "date,空中,聯合演訓,艦通過,航母活動,與那國,宮古,大禹,對馬,進,出,艦型,備考,pla_aircraft_sorties,plan_vessel_sorties,remark,國家"
ORYX_HEAD = "country,equipment_type,destroyed,abandoned,captured,damaged,type_total"
REGISTER_HEAD = (
    "Recipient,Supplier,Year of order,Year of order estimate,Number ordered,Number ordered estimate,Weapon designation,"
    "Weapon description,Number delivered,Number delivered estimate,Year(s) of delivery,status,Comments,SIPRI TIV per unit,"
    "SIPRI TIV for total order,SIPRI TIV of delivered weapons"
)
MIDA_HEAD = (
    "dispnum,stday,stmon,styear,endday,endmon,endyear,outcome,settle,fatality,fatalpre,maxdur,mindur,hiact,hostlev,recip,numa,numb,"
    "ongo2014,version"
)
MIDB_HEAD = (
    "dispnum,stabb,ccode,stday,stmon,styear,endday,endmon,endyear,sidea,revstate,revtype1,revtype2,fatality,fatalpre,hiact,hostlev,"
    "orig,version"
)
DYADIC_HEAD = (
    "disno,dyindex,statea,stateb,namea,nameb,strtday,strtmnth,strtyr,year,endday,endmnth,endyear,outcome,settlmnt,fatlev,highact,"
    "hihost,recip,noinit,notarg,sideaa,sideab,revstata,revstatb,revtypea,revtypeb,fatleva,fatlevb,highmcaa,highmcab,hihosta,hihostb,"
    "orignata,orignatb,rolea,roleb,dyad_rolea,dyad_roleb,war,durindx,duration,cumdurat"
)
DDY_HEAD = (
    "dispnum,ccode1,ccode2,year,midongoing,midonset,sidea1,sidea2,revstate1,revstate2,revtype11,revtype12,revtype21,revtype22,"
    "fatality1,fatality2,fatalpre1,fatalpre2,hiact1,hiact2,hostlev1,hostlev2,orig1,orig2,hiact,hostlev,mindur,maxdur,outcome,settle,"
    "fatality,fatalpre,stmon,endmon,recip,numa,numb,ongo2010,version"
)
FMN = """<?xml version="1.0" encoding="utf-8"?>
<nispadditions><standards><standard id="ietf-rfc1"><document orgid="ietf" pubnum="RFC 1" title="One"/><status mode="accepted"/>
</standard></standards><profileset>
<profile id="p" title="All"><subprofiles><refprofile refid="s"/></subprofiles></profile>
<serviceprofile id="s" title="Chat  Profile"><refprofilespec refid="spec"/>
<refgroup obligation="mandatory" lifecycle="candidate"><description><para>Say</para></description>
<refstandard refid="ietf-rfc1"/><refstandard refid="ietf-rfc2"/></refgroup><status mode="accepted"/></serviceprofile>
</profileset></nispadditions>"""


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


Put = Callable[[str, str | bytes], Path]


def problems(read: Callable[[Path], object], path: Path) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        read(path)
    return caught.value.problems


def only(read: Callable[[Path], object], path: Path) -> Problem:
    found = problems(read, path)
    assert len(found) == 1, found
    return found[0]


def test_the_catalog_loads_nothing_and_its_readers_exist() -> None:
    code = (
        "import sys, isthmus.register.importers as i; print(len(i.DATASETS), 'pandas' in sys.modules, 'openpyxl' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["18", "False", "False"]
    for name, entry in importers.DATASETS.items():
        assert name == entry.name
        assert entry.publisher
        assert entry.citation
        assert entry.terms
        for reference in (entry.reader, *(file.reader for file in entry.files)):
            module, function = reference.split(":")
            found = getattr(sys.modules[f"isthmus.register.importers.{module}"], function)
            assert found.__doc__
        module = sys.modules[f"isthmus.register.importers.{entry.reader.split(':')[0]}"]
        known = {p for value in vars(module).values() if isinstance(value, tuple) for p in value if isinstance(p, str)}
        assert {p for p in entry.patterns if not p.startswith("nisp-fmn5")} <= known
        assert all(file.url is None or file.url.startswith("https://") for file in entry.files)


def test_every_state_of_the_register_has_a_name_and_all_but_one_a_cow_code() -> None:
    actors = pd.read_csv(Path(__file__).resolve().parents[2] / "data" / "register" / "actors.csv")
    register = set(actors.actor_id[actors.type == "state"])
    assert register <= set(states.NAME_TO_ISO3.values())
    assert register - set(states.COW_TO_ISO3.values()) <= {"COK"}, "Cook Islands is no member of COW's state system"
    names = actors[actors.type == "state"].set_index("name").actor_id
    assert {n: states.NAME_TO_ISO3.get(n.lower()) for n in names.index} == names.to_dict()


def test_an_unknown_set_is_named(tmp_path: Path) -> None:
    assert "cow-nmc" in only(lambda p: importers.read("nmc", p), tmp_path).allowed


def test_nmc(put: Put) -> None:
    frame = cow.read_nmc(put("cow_nmc.csv", NMC))
    assert frame.actor.to_list() == ["USA", "COW260"]
    assert frame.mapped.to_list() == [True, False]
    assert math.isnan(frame.milex[1])
    assert frame.tpop.to_list() == [8659, 3]
    assert (frame.year.dtype, frame.milex.dtype, frame.actor.dtype) == ("Int64", "float64", "string")


@pytest.mark.parametrize(
    ("name", "content", "row", "column", "message"),
    [
        ("a.csv", b"", None, None, "no data"),
        ("a.csv", NMC.splitlines()[0].encode(), 2, None, "no data"),
        ("a.csv", NMC.replace("cinc", "sink").encode(), 1, "cinc", "missing column"),
        ("a.csv", b"name,value\nx,1\n", 1, None, "another file"),
        ("a.csv", NMC.replace(",", ";").encode(), 1, None, "wrong separator"),
        ("a.csv", NMC.replace("3823", "many").encode(), 2, "milex", "text in a number"),
        ("a.csv", NMC.replace("3823", "inf").encode(), 2, "milex", "not a number"),
        ("a.csv", NMC.replace("3823", "-8").encode(), 2, "milex", "out of range"),
        ("a.csv", NMC.replace("2,1816", ",1816").encode(), 2, "ccode", "blank cell"),
        ("a.csv", NMC.replace("1816", "1816.5").encode(), 2, "year", "out of range"),
        ("a.csv", NMC.replace("0.05", "0.05,9").encode(), 3, None, "too many cells"),
        ("a.csv", NMC.replace(",0.05", "").encode(), 3, None, "too few cells"),
        ("a.csv", NMC.encode("utf-16"), None, None, "wrong encoding"),
        ("a.csv", NMC.replace("3823", "\xe9").encode("latin-1"), 2, None, "wrong encoding"),
        ("a.csv", b"PK\x03\x04\xff\xff", None, None, "not a text file"),
        ("a.csv", NMC.replace("ccode,year", "ccode,ccode").encode(), 1, "ccode", "column twice"),
        ("a.csv", NMC.replace("260,1960", "2,1816").encode(), None, "ccode", "twice"),
        ("a.csv", (NMC + '2,"18').encode(), None, None, "cannot be read as CSV"),
    ],
)
def test_a_bad_table_is_reported_with_its_place(
    put: Put, name: str, content: bytes, row: int | None, column: str | None, message: str
) -> None:
    found = problems(cow.read_nmc, put(name, content))
    match = [p for p in found if message in p.message]
    assert match, found
    assert match[0].file == name
    assert match[0].allowed
    if row is not None:
        assert match[0].row == row
    if column is not None:
        assert match[0].column == column


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    assert only(cow.read_nmc, tmp_path / "none.csv").message == "missing file"
    for entry in importers.DATASETS.values():
        assert problems(lambda p, name=entry.name: importers.read(name, p), tmp_path)
        assert problems(lambda p, name=entry.name: importers.read(name, p), tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"\xff\xfe\x00", b"hello", b"<html></html>", b"{}", b"PK\x03\x04"])
def test_no_reader_gives_a_traceback_for_rubbish(put: Put, content: bytes) -> None:
    for entry in importers.DATASETS.values():
        for file in entry.files:
            assert problems(file.read, put(file.patterns[0].replace("*", "x"), content))


def test_problems_are_capped(put: Put) -> None:
    rows = "".join(f"2,{year},x,x,x,x,x,x,x\n" for year in range(1816, 1900))
    assert len(problems(cow.read_nmc, put("a.csv", NMC.splitlines()[0] + "\n" + rows))) == 50


def test_atop(put: Put, tmp_path: Path) -> None:
    put(
        "atop-alliance-level.csv",
        f"{ATOP_HEAD}\n1,1949,4,4,0,0,0,0,1,0,0,1,1,2,20,4.01\n2,1815,1,3,1815,2,8,0,1,0,0,0,1,200,220,4.01\n",
    )
    put("atop-member-level.csv", f"{MEMBER_HEAD}\n1,2,1949,4,4,0,0,0,1,0,0,1,1,0\n")
    put("atop51_dyadyear_1.csv", f"{DYAD_HEAD}\n2,20,1949,1,0,0,1,1\n")
    put("atop51_dyadyear_2.csv", f"{DYAD_HEAD}\n2,20,1950,1,0,0,1,1\n")
    put("atop51_dyad_spells.csv", f"{SPELL_HEAD}\n2,20,1949,2018,1,0,0,1,1,70,1,any_obligation,0.27,0.01,1,0,1\n")
    found = atop.read_atop(tmp_path)
    assert found.alliances is not None
    assert found.members is not None
    assert found.dyad_years is not None
    assert found.dyad_spells is not None
    assert found.alliances.ended.to_list() == [False, True]
    assert found.alliances.terminated.to_list() == [False, False], "an end without a termination"
    assert found.alliances.members.to_list() == ["2;20", "200;220"]
    assert found.members.exit_year.isna().all()
    assert found.dyad_years.year.to_list() == [1949, 1950]
    assert found.dyad_spells.actor_b.to_list() == ["CAN"]
    put("atop51_dyadyear_3.csv", f"{DYAD_HEAD}\n2,20,1950,1,0,0,1,1\n")
    assert "twice" in only(atop.read_dyad_years, tmp_path).message


def test_un(put: Put, tmp_path: Path) -> None:
    votes = put("un_votes_wide_s01.csv", "rcid,session,Canada,Namibia,Soviet Union\n3,1.0,1,,3\n4,1.0,2,,1\n")
    put("un_roll_calls.csv", 'rcid,session,importantvote,date,unres,amend,para,short\n3,1.0,0,1946-01-01,R/1,1,,"A, B"\n')
    put("un_roll_call_issues.csv", "rcid,short_name,issue\n3,me,Palestinian conflict\n")
    put("countries.csv", "country,country_code\nNamibia,NA\nZanzibar,\n")
    put("ideal_points.csv", "ccode,iso3c,countryname,year,idealpointall,q5all,q95all,nvotesall\n2,USA,,1946,1.9,1.3,2.5,39.0\n")
    found = un.read_un(tmp_path)
    assert found.votes is not None
    assert found.countries is not None
    assert found.roll_calls is not None
    assert found.ideal_points is not None
    rows = set(found.votes[["rcid", "country", "vote"]].itertuples(index=False, name=None))
    assert rows == {(3, "Canada", "yes"), (4, "Canada", "abstain"), (3, "Soviet Union", "no"), (4, "Soviet Union", "yes")}
    assert found.votes.actor.isna().sum() == 2
    assert found.countries.iso2.to_list() == ["NA", pd.NA]
    assert found.roll_calls.title.to_list() == ["A, B"]
    assert found.ideal_points.actor.to_list() == ["USA"]
    put(votes.name, "rcid,session,Canada\n3,1.0,9\n")
    assert only(un.read_votes, votes).column == "Canada"


def test_missiles(put: Put, tmp_path: Path) -> None:
    put(
        "missile_attacks_daily.csv",
        f"{MISSILES_HEAD}\n"
        "2024-08-26 03:00,2024-08-26 18:00,X-101/X-555 and Kalibr and X-59/X-69,,,115.0,99.0,,,,a\n"
        "2024-08-25,2024-08-25 08:00:00,Iskander-M and Iskander-K,,,2.0,0.0,,,,b\n"
        "2023-05-16 3:30,2023-05-16,Shahed-136/131,,,,,,,,c\n",
    )
    put("missiles_and_uavs.csv", "model,category,national_origin,type,launch_platform,name,name_NATO\nKub,UAV,russia,,,,\n")
    found = missiles.read_missiles(tmp_path)
    assert found.daily is not None
    assert found.types is not None
    assert found.daily.month.to_list() == ["2023-05", "2024-08", "2024-08"]
    totals = missiles.totals(found.daily).set_index("type_group")
    assert totals.launched["cruise"] == 115
    assert totals.launched["unmapped"] == 2
    assert math.isnan(totals.destroyed["shahed_and_decoy_uav"]), "blank is not zero"
    assert totals["rows"].sum() == 3
    bad = put("x.csv", f"{MISSILES_HEAD}\n26.08.2024,2024-08-26,Kub,,,1,1,,,,a\n")
    assert only(missiles.read_daily, bad).message == "not a date"


def test_sipri_tables(put: Put) -> None:
    tiv = sipri.read_tiv(
        put("tiv.csv", "supplier,recipient,year,tiv,recipient_iso3,supplier_iso3\nUnited States,UAE,2011,1.2,ARE,USA\n")
    )
    assert tiv.loc[0, ["supplier_actor", "recipient_actor"]].to_list() == ["USA", "ARE"]
    rows = (
        "Côte,Belarus,2018,,4,,Mi-24,combat helicopter,4,,2019,Second hand,ok,3.4,13.6,13.6\n"
        "Thailand,Ukraine,2008,?,14,,BTR-3,APC,13,?,2010; 2012,New,cut,,,\n"
        ",0.25,3.5,3.25,,,,,,,,,,,,\n"
    )
    frame = sipri.read_trade_register(put("trade_register.csv", f"{REGISTER_HEAD}\n{rows}".encode("cp1252")))
    assert len(frame) == 2
    assert frame.tiv_delivered.to_list() == [13.6, 3.25]
    assert frame.order_year_estimate.to_list() == [False, True]
    assert frame.recipient[0] == "Côte"
    broken = put("b.csv", f"{REGISTER_HEAD}\n,Ukraine,2008,?,14,,BTR-3,APC,13,?,2010,New,cut,1,1,1\n")
    assert only(sipri.read_trade_register, broken).row == 2


def test_oryx(put: Put) -> None:
    put_ = (
        "Russia,Tanks,1,2,3,4,10\n"
        + 'Russia,"Losses excluding Recon Drones and Trucks - 17, of which: destroyed: 1",1,2,3,4,10\n'
    )
    totals = oryx.read_totals_by_type(put("totals_by_type.csv", f"{ORYX_HEAD}\n{put_}"))
    assert totals.equipment_type.to_list() == ["Tanks", "Losses excluding Recon Drones and Trucks"]
    assert totals.subtotal.to_list() == [False, True]
    daily = oryx.read_daily(put("daily_count.csv", f"{ORYX_HEAD},date_recorded\nUkraine,Tanks,1,0,0,0,1,2022-03-19\n"))
    assert daily.actor.to_list() == ["UKR"]
    systems = oryx.read_totals_by_system(
        put("totals_by_system_wide.csv", "country,system,destroyed,captured,abandoned,damaged,total\nRussia,T-72B3,1,0,0,0,1\n")
    )
    assert systems.total.to_list() == [1]
    wrong = put("w.csv", f"{ORYX_HEAD}\nFrance,Tanks,1,0,0,0,1\n")
    assert only(oryx.read_totals_by_type, wrong).column == "country"


def test_pla_marks_the_level_break(put: Put) -> None:
    blank = "," * 11
    rows = (
        f"2022/07/30{blank},,1.0,,True,\n2022/08/03{blank},,49.0,,False,\n2026/08/20,0,0,1,0,0,0,0,1,0,0,光榮級,x,7,8,,俄羅斯\n"
    )
    found = pla.read_pla(put("JapanandBattleship.csv", f"\ufeff{PLA_HEAD}\n{rows}"))
    assert found.taiwan.series.to_list() == ["to_2022_07", "from_2022_08", "from_2022_08"]
    assert found.taiwan.vessels.isna().to_list() == [True, True, False]
    assert found.japan.tsushima.to_list() == [1]
    twice = put("t.csv", f"{PLA_HEAD}\n2022/07/30{blank},,1,,,\n2022/07/30{blank},,1,,,\n")
    assert "twice" in only(pla.read_pla, twice).message


def test_troops_icb_rdmc_chpl(put: Put) -> None:
    us = troops.read_troops(
        put("troopdata.csv", "countryname,year,ccode,iso3c,region,troops_ad,army_ad\nAden,1951,1029,NA,X,3,2\n")
    )
    assert us.iso3.isna().all()
    assert us.army_ad.to_list() == [2]
    head = "crisno,crisname,yrtrig,motrig,datrig,yrterm,moterm,daterm"
    crises = icb.read_crises(put("icb1v13.csv", f"icb1,{head},viol,gravcr\nICB1,1,RUSSIA,1918,5,,1920,4,1,3,2\n"))
    assert crises.trigger_day.isna().all()
    actors = icb.read_actors(put("icb2v13.csv", f"icb2,{head},cracid,actor,outcom\nICB2,1,RUSSIA,1918,5,,1920,4,1,365,RUS,1\n"))
    assert actors.actor.to_list() == ["RUS"]
    rdmc_file = '"","year","country","stateabb","ccode","aircraft_fighter","aircraft_aew"\n"1",1970,"albania","ALB",339,12,NA\n'
    stock = rdmc.read_rdmc(put("rDMC_wide_v1.csv", rdmc_file))
    assert stock[["actor", "category", "system", "number"]].to_numpy().tolist() == [["ALB", "aircraft", "fighter", 12.0]]
    codes = chpl.read_chpl(put("chpl.csv", "hs6,tier\n084820,3B\n"))
    assert codes.hs6.to_list() == ["084820"]
    assert only(chpl.read_chpl, put("chpl2.csv", "hs6,tier\n84820,3B\n")).row == 2
    assert only(chpl.read_chpl, put("chpl3.csv", "hs6,tier\n848200,5\n")).column == "tier"


def test_exercises(put: Put) -> None:
    flags = "CPX,Air,Land,Sea,Amphibious,Cyber,Warfighting,Peacekeeping,Humanitarian"
    head = f"MMEID,Ex_Name,Series_Name,Location,lat,lon,s.year,s.month,s.day,e.year,e.month,e.day,{flags},StateA,StateB,StateC"
    row = "mme1,Readex,,Vieques,18.1,-65.4,1980,1,xx,1980,1,21,0,0,0,1,1,0,1,0,0"
    found = exercises.read_exercises(put("mme_v7.csv", f"{head}\n{row},Federal Republic of Germany,United States,-9\n"))
    assert found.events.start_day.isna().all()
    assert found.participants.actor.to_list() == [pd.NA, "USA"]
    assert found.participants.row.to_list() == [2, 2]


def test_nisp(put: Put) -> None:
    found = nisp.read_nisp(put("nisp-fmn5.xml", FMN))
    assert (found.profiles.kind == "service").sum() == 1
    assert found.profiles.title.to_list() == ["All", "Chat Profile"]
    assert found.requirements.standard_id.to_list() == ["ietf-rfc1", "ietf-rfc2"]
    assert found.requirements.obligation.unique().tolist() == ["mandatory"]
    assert found.parts.to_numpy().tolist() == [["p", "s"]]
    assert found.standards.organization.to_list() == ["ietf"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<a></a>", "another file"),
        ("<standards>", "not well-formed XML"),
        ("<standards/>", "no data"),
        (FMN.replace(' id="s"', ""), "without an id"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><standards/>', "entities are not read"),
        (FMN.encode("utf-16"), "wrong encoding"),
    ],
)
def test_a_bad_xml_file(put: Put, content: str | bytes, message: str) -> None:
    assert message in only(nisp.read_nisp, put("standards.xml", content)).message


def feature(**changes: Any) -> dict[str, Any]:
    square = [[[0, 0], [2, 0], [2, 1], [0, 0]]]
    names = {"NAME": "France", "NAME_LONG": "France", "SOVEREIGNT": "France", "CONTINENT": "Europe", "SUBREGION": "West"}
    properties = {**names, "ISO_A3": "-99", "ISO_A3_EH": -99.0, "ADM0_A3": "FRA", "POP_EST": 6.7e7}
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": square}, **changes}


def test_natural_earth(put: Put) -> None:
    def collection(*features: Any) -> str:
        return json.dumps({"type": "FeatureCollection", "features": features})

    frame = natural_earth.read_countries(put("ne_110m_admin_0_countries.json", collection(feature())))
    assert frame.iso3.to_list() == ["FRA"]
    assert frame[["west", "south", "east", "north"]].iloc[0].to_list() == [0, 0, 2, 1]
    for bad in (feature(geometry=None), feature(properties={}), feature(geometry={"type": "Point", "coordinates": [0, 0]}), 7):
        assert only(natural_earth.read_countries, put("a.json", collection(feature(), bad))).column == "feature 2"
    assert only(natural_earth.read_countries, put("a.json", '{"type": ')).message == "not JSON"
    assert only(natural_earth.read_countries, put("a.json", "[" * 100_000)).found == "RecursionError"


def test_a_workbook_without_openpyxl_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p1_display.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "openpyxl" in only(dod.read_p1, path).message


def test_not_a_workbook(put: Put, tmp_path: Path) -> None:
    assert only(kiel.read_kiel, put("a.xlsx", NMC)).message == "not a workbook"
    assert "old .xls" in only(kiel.read_kiel, put("a.xlsx", b"\xd0\xcf\x11\xe0rest")).found
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("x", "")
    assert only(kiel.read_kiel, tmp_path / "b.xlsx").message == "not a workbook"


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason="the package openpyxl is not installed")
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def test_a_broken_workbook(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="the package openpyxl is not installed")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<oops")
    assert only(dod.read_p1, tmp_path / "a.xlsx").message == "the workbook cannot be read"


def test_milex(tmp_path: Path) -> None:
    rows = [["Military expenditure"], ["Country", "", "Notes", 2023, 2024], ["Europe"], ["Poland", None, "78", "...", 2.5]]
    rows.append(["USSR", None, None, "xxx", "xxx"])
    path = book(tmp_path / "milex.xlsx", **{"Front page": [], "Constant (2023) US$": rows, "Share of GDP": rows[1:4]})
    frame = sipri.read_milex(path)
    assert frame.status.to_list() == ["not_available", "figure", "no_state", "no_state", "not_available", "figure"]
    assert frame.loc[1, ["actor", "region", "measure", "unit", "value"]].to_list() == [
        "POL",
        "Europe",
        "constant_usd",
        "million US$ of 2023",
        2.5,
    ]
    rows[3][4] = "much"
    problem = only(sipri.read_milex, book(tmp_path / "b.xlsx", **{"Current US$": rows}))
    assert (problem.row, problem.column, problem.message) == (4, "2024", "text in a number")
    assert "another workbook" in only(sipri.read_milex, book(tmp_path / "c.xlsx", Sheet=[["a"]])).message


def test_kiel(tmp_path: Path) -> None:
    names = [field.source for field in kiel._FIELDS]
    row = dict.fromkeys(names, ".")
    row |= {"donor": "Turkiye", "measure": "Allocation", "item_numb": "undisclosed ", "item_price_USD": "395,88"}
    row |= {
        "announcement_date": "until 12/31/2022",
        "sub_activity_id": 7,
        "item_soviet_origin": 0,
        "aid_type_general": "Military ",
    }
    path = book(tmp_path / "UkraineTracker.xlsx", Data=[names, list(row.values())])
    frame = kiel.read_kiel(path)
    assert frame.loc[0, ["actor", "aid_type", "price_usd", "items_undisclosed"]].to_list() == ["TUR", "Military", 395.88, True]
    assert frame.announced.isna().all()
    assert frame["items"].isna().all()
    row["item_numb"] = "a few"
    problem = only(kiel.read_kiel, book(tmp_path / "b.xlsx", Data=[names, list(row.values())]))
    assert (problem.row, problem.column) == (2, "item_numb")


def test_p1(tmp_path: Path) -> None:
    keys = [field.source for field in dod._FIELDS]
    head = [*keys, "FY 2023 Actuals Quantity", "FY 2023 Actuals Amount", "FY 2024 PB  Request Amount*", "Classification"]
    line = ["2031A", *["x"] * (len(keys) - 2), "Add", 12, "350,000", "", "U"]
    path = book(tmp_path / "p1_display.xlsx", **{"Exhibit P-1": [["", "Total of Displayed Rows"], head, line, ["*A note"]]})
    frame = dod.read_p1(path)
    assert frame[["fiscal_year", "column", "quantity", "amount_kusd"]].to_numpy().tolist() == [[2023, "Actuals", 12.0, 350000.0]]
    line[-4] = "some"
    problem = only(dod.read_p1, book(tmp_path / "b.xlsx", **{"Exhibit P-1": [head, line]}))
    assert (problem.row, problem.column) == (2, "FY 2023 Actuals Quantity")


# Militarized disputes: the headers are those of the publishers, the rows invented


def filled(head: str, **cells: object) -> str:
    """A row of the header with -9 wherever no cell is given."""
    return ",".join(str(cells.get(name, -9)) for name in head.split(","))


def midb(number: int, code: int, side: int, level: int, start: int = 1950, end: int = 1951, **more: object) -> str:
    cells = {"dispnum": number, "stabb": "XXX", "ccode": code, "sidea": side, "hostlev": level, "styear": start, "endyear": end}
    return filled(MIDB_HEAD, **cells, **{"orig": 1, "revstate": int(side == 1), "stmon": 6, "version": 5} | more)


def ddy(number: int, one: int, two: int, year: int, level: tuple[int, int], side: int = 1, **more: object) -> str:
    cells: dict[str, object] = {"dispnum": number, "ccode1": one, "ccode2": two, "year": year, "sidea1": side, "sidea2": 1 - side}
    cells |= {"hostlev1": level[0], "hostlev2": level[1], "orig1": 1, "orig2": 1, "revstate1": side, "revstate2": 0}
    return filled(DDY_HEAD, **cells | more)


def dyadic(number: int, one: int, two: int, year: int, level: tuple[int, int], **more: object) -> str:
    cells: dict[str, object] = {"disno": number, "statea": one, "stateb": two, "year": year, "strtyr": year, "endyear": year}
    cells |= {"sideaa": 1, "sideab": 0, "hihosta": level[0], "hihostb": level[1], "orignata": 1, "orignatb": 1, "namea": "Côte"}
    return filled(DYADIC_HEAD, **cells | more)


def test_mida(put: Put) -> None:
    row = filled(MIDA_HEAD, dispnum=2, styear=1902, stmon=7, endyear=1903, hostlev=3, fatality=0, recip=0)
    frame = mid.read_disputes(put("MIDA 5.0.csv", f"{MIDA_HEAD}\r\n{row}\r\n"))
    assert frame.loc[0, ["dispute", "start_year", "end_year", "hostility"]].to_list() == [2, 1902, 1903, 3]
    assert frame.start_day.isna().all(), "-9 is missing, never a number"
    older = gml.read_disputes(put("gml-mida-2.0.csv", f"{MIDA_HEAD.replace('dispnum', 'dispnum3')}\n{row}\n"))
    assert older.dispute.to_list() == [2]
    assert only(mid.read_disputes, put("MIDA.csv", f"{MIDA_HEAD}\n{row}\n{row}\n")).message == "dispute twice"


def test_midb_and_its_pairs(put: Put) -> None:
    rows = [
        midb(7, 2, 1, 5),
        midb(7, 200, 1, 4, start=1951, end=1953, orig=0),
        midb(7, 345, 0, 5, revstate=-9),
        midb(7, 355, 0, 4, start=1953, end=1954, orig=0),
        midb(8, 2, 1, 3),
        midb(9, 2, -9, 3),
        midb(9, 200, 0, 1, end=-9),
    ]
    frame = mid.read_participants(put("MIDB 5.0.csv", f"{MIDB_HEAD}\r\n" + "\r\n".join(rows) + "\r\n"))
    assert frame.actor.to_list()[:2] == ["USA", "GBR"]
    assert frame.side_a.isna().sum() == 1
    pairs = disputes.opposed(frame)
    assert pairs[["dispute", "cow_a", "cow_b", "start_year", "end_year"]].to_numpy().tolist() == [
        [7, 2, 345, 1950, 1951],
        [7, 200, 345, 1951, 1951],
        [7, 200, 355, 1953, 1953],
    ], "only years in which both were in; a dispute without another side, or without sides, has no pair"
    assert pairs.originator_a.to_list() == [1, 0, 0]
    assert pairs.revisionist_b.isna().to_list() == [True, True, False]
    assert only(mid.read_participants, put("MIDB.csv", "\n".join((MIDB_HEAD, rows[0], rows[0])))).message == "row twice"


def test_dispute_years_are_turned_so_that_side_a_stands_first(put: Put) -> None:
    rows = [
        ddy(7, 2, 345, 1950, (5, 4)),
        ddy(7, 2, 345, 1951, (5, 4)),
        ddy(7, 345, 2, 1950, (4, 5), side=0, revstate1=0, revstate2=1),
        ddy(7, 345, 2, 1951, (4, 5), side=0, revstate1=0, revstate2=1),
        ddy(8, 200, 365, 1960, (1, 3), side=0, revstate1=0, revstate2=1),
    ]
    for name in ("gml-ddy-disputes-2.1.1.csv", "gml_dirdisp.csv"):
        pairs = gml.read_dyad_years(put(name, "\n".join((DDY_HEAD, *rows))))
        assert pairs[
            ["dispute", "cow_a", "cow_b", "start_year", "end_year", "hostility_a", "revisionist_a"]
        ].to_numpy().tolist() == [
            [7, 2, 345, 1950, 1951, 5, 1],
            [8, 365, 200, 1960, 1960, 3, 1],
        ], "a row whose other direction is missing is no loss"
    twice = problems(gml.read_dyad_years, put("gml-ddy-b.csv", "\n".join((DDY_HEAD, *rows, rows[0], rows[1]))))
    assert [(p.row, p.message) for p in twice] == [(7, "dispute, dyad and year twice"), (8, "dispute, dyad and year twice")]
    differ = [*rows[:3], ddy(7, 345, 2, 1951, (4, 2), side=0, revstate1=0, revstate2=1)]
    assert "two directions" in only(gml.read_dyad_years, put("gml-ddy-c.csv", "\n".join((DDY_HEAD, *differ)))).message


def test_peacesciencer_frames_as_r_writes_them(put: Put) -> None:
    head = ["dispnum", "ccode1", "ccode2", "year", "cowmidongoing", "cowmidonset", "sidea1", "sidea2", "hostlev1", "hostlev2"]
    head += ["orig1", "orig2"]
    text = ",".join(f'"{name}"' for name in ["", *head]) + '\n"1",7,2,345,1950,1,1,1,0,5,NA,1,1\n'
    pairs = mid.read_dyad_years(put("cow_mid_ddydisps.csv", text))
    assert pairs.hostility_a.to_list() == [5]
    assert pairs[["hostility_b", "revisionist_a"]].isna().all(axis=None), "the frame has no revisionists"


def test_the_dyadic_set(put: Put, tmp_path: Path) -> None:
    rows = [
        dyadic(7, 2, 345, 1950, (5, 4), endyear=1951, revstata=1),
        dyadic(7, 345, 2, 1950, (4, 5), endyear=1951, sideaa=0, sideab=1, revstatb=1),
        dyadic(9, 200, 365, 1960, (3, 1), endyear=-9),
    ]
    path = put("dyadic_mid_4.03.csv", "\n".join((DYADIC_HEAD, *rows)).encode("latin-1"))
    pairs = mid.read_dyads(path)
    assert pairs[["dispute", "cow_a", "cow_b", "start_year", "end_year", "hostility_a", "revisionist_a"]].iloc[0].to_list() == [
        7,
        2,
        345,
        1950,
        1951,
        5,
        1,
    ]
    assert pairs.end_year.to_list() == [1951, 1960]
    put("MIDB 5.0.csv", "\n".join((MIDB_HEAD, midb(7, 2, 1, 5))))
    found = mid.read_mid(tmp_path)
    assert found.disputes is None
    assert found.participants is not None
    assert found.pairs is not None
    marked = put("dyadic_mid_b.csv", "\n".join((DYADIC_HEAD, *rows)).encode("utf-8-sig"))
    assert len(mid.read_dyads(marked)) == 2


@pytest.mark.parametrize(
    ("read", "name", "text", "row", "column", "message"),
    [
        (mid.read_participants, "MIDB.csv", f"{MIDB_HEAD}\n{midb(7, 2, 1, 6)}", 2, "hostlev", "out of range"),
        (mid.read_participants, "MIDB.csv", f"{MIDB_HEAD}\n{midb(7, 2, 2, 5)}", 2, "sidea", "out of range"),
        (mid.read_participants, "MIDB.csv", f"{MIDB_HEAD}\n{midb(7, 0, 1, 5)}", 2, "ccode", "out of range"),
        (mid.read_participants, "MIDB.csv", f"{MIDB_HEAD}\n{midb(7, 2, 1, 5, start=-9)}", 2, "styear", "out of range"),
        (mid.read_participants, "MIDB.csv", f"{MIDB_HEAD.replace(',', ';')}\n", 1, None, "wrong separator"),
        (
            mid.read_participants,
            "MIDB.csv",
            f"{MIDB_HEAD.replace('sidea', 'side')}\n{midb(7, 2, 1, 5)}",
            1,
            "sidea",
            "missing column",
        ),
        (
            mid.read_participants,
            "MIDB.csv",
            f"{MIDB_HEAD.replace('stabb', 'dispnum3')}\n{midb(7, 2, 1, 5)}",
            1,
            "dispnum3",
            "twice",
        ),
        (mid.read_dyads, "dyadic_mid.csv", f"{ORYX_HEAD}\n", 1, None, "another file"),
        (gml.read_dyad_years, "gml-ddy.csv", f"{DDY_HEAD}\n{ddy(7, 2, 345, 1950, (5, 4))},1", 2, None, "too many cells"),
    ],
)
def test_bad_dispute_files(
    put: Put, read: Callable[[Path], object], name: str, text: str, row: int, column: str | None, message: str
) -> None:
    problem = only(read, put(name, text))
    assert (problem.row, problem.column) == (row, column)
    assert message in problem.message


def test_all_that_is_wrong_with_a_dispute_file_is_said_at_once(put: Put) -> None:
    text = "\n".join((MIDB_HEAD, midb(7, 2, 1, 9), midb(8, 2, 3, 5), midb(9, 2, 1, 5, start=1700)))
    assert [(p.row, p.column) for p in problems(mid.read_participants, put("MIDB.csv", text))] == [
        (2, "hostlev"),
        (3, "sidea"),
        (4, "styear"),
    ]
