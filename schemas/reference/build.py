"""
Rebuild the reference tables from the published lists: ``python -m schemas.reference.build SOURCE_FOLDER``.

The folder holds ``geo/us_counties_fips.csv`` (fips5, name), ``geo/iso3166-2_us_mx.csv`` (code, name),
``geo/inegi_agem_municipios.csv`` (cvegeo, nom_mun), ``geo/mx_states_crosswalk.csv`` (cve_ent, iso3166_2,
renapo_curp_code) and ``htcds/htcds_v2_fields.csv`` (full_name, values). SOURCES.md says where they come from.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).parent

# FIPS 5-2 / ANSI INCITS 38 state numbers, in the order of the numbers; no list we ship from carries them.
_NUMBERED = """
01:AL 02:AK 04:AZ 05:AR 06:CA 08:CO 09:CT 10:DE 11:DC 12:FL 13:GA 15:HI 16:ID 17:IL 18:IN 19:IA 20:KS 21:KY 22:LA 23:ME
24:MD 25:MA 26:MI 27:MN 28:MS 29:MO 30:MT 31:NE 32:NV 33:NH 34:NJ 35:NM 36:NY 37:NC 38:ND 39:OH 40:OK 41:OR 42:PA 44:RI
45:SC 46:SD 47:TN 48:TX 49:UT 50:VT 51:VA 53:WA 54:WV 55:WI 56:WY 60:AS 66:GU 69:MP 72:PR 78:VI
"""
US_STATE_NUMBERS = {pair[:2]: pair[3:] for pair in _NUMBERED.split()}
# ISO 3166-2:US has the territories too; the GENC profile lists them as countries of their own.
US_TERRITORIES = {
    "AS": "American Samoa",
    "GU": "Guam",
    "MP": "Northern Mariana Islands",
    "PR": "Puerto Rico",
    "VI": "U.S. Virgin Islands",
}
# Counties that broadcasts still name although newer lists have dropped them (US Census Bureau, changes to
# counties since 1970), and those of the territories, which the county list leaves out.
US_FURTHER_COUNTIES = {
    "02261": "Valdez-Cordova Census Area",
    "02270": "Wade Hampton Census Area",
    "09001": "Fairfield County",
    "09003": "Hartford County",
    "09005": "Litchfield County",
    "09007": "Middlesex County",
    "09009": "New Haven County",
    "09011": "New London County",
    "09013": "Tolland County",
    "09015": "Windham County",
    "46113": "Shannon County",
    "51515": "Bedford city",
    "60010": "Eastern District",
    "60020": "Manu'a District",
    "60030": "Rose Island",
    "60040": "Swains Island",
    "60050": "Western District",
    "66010": "Guam",
    "69085": "Northern Islands Municipality",
    "69100": "Rota Municipality",
    "69110": "Saipan Municipality",
    "69120": "Tinian Municipality",
    "78010": "St. Croix Island",
    "78020": "St. John Island",
    "78030": "St. Thomas Island",
}


def read(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a table with a header."""
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def states(geo: Path) -> list[tuple[str, str, str]]:
    """(code, national number, name) of every state."""
    names = {row["code"]: row["name"] for row in read(geo / "iso3166-2_us_mx.csv")}
    names |= {f"US-{usps}": name for usps, name in US_TERRITORIES.items()}
    united_states = [(f"US-{usps}", number, names[f"US-{usps}"]) for number, usps in US_STATE_NUMBERS.items()]
    crosswalk = read(geo / "mx_states_crosswalk.csv")
    mexico = [(row["iso3166_2"], row["cve_ent"], names[row["iso3166_2"]]) for row in crosswalk]
    return sorted(united_states + mexico)


def municipalities(geo: Path) -> list[tuple[str, str]]:
    """(code, name) of every county and municipio."""
    counties = {row["fips5"]: row["name"] for row in read(geo / "us_counties_fips.csv")} | US_FURTHER_COUNTIES
    mexican = {row["cve_ent"]: row["iso3166_2"] for row in read(geo / "mx_states_crosswalk.csv")}
    places = [(f"US-{US_STATE_NUMBERS[fips[:2]]}:{fips}", name) for fips, name in counties.items()]
    municipios = read(geo / "inegi_agem_municipios.csv")
    places += [(f"{mexican[row['cvegeo'][:2]]}:{row['cvegeo']}", row["nom_mun"]) for row in municipios]
    return sorted(places)


def htcds_codes(htcds: Path) -> list[tuple[str, str]]:
    """(field, code) of every HTCDS field that has a code list of its own."""
    return [
        (row["full_name"], code)
        for row in read(htcds / "htcds_v2_fields.csv")
        for code in row["values"].split("|")
        if code and " " not in code  # some rows hold a remark instead of codes
    ]


def write(name: str, header: tuple[str, ...], table: Iterable[tuple[str, ...]]) -> None:
    """Write one table beside this module."""
    with (HERE / name).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(table)


def main() -> None:
    """Read the folder named on the command line, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    write("states.csv", ("code", "number", "name"), states(folder / "geo"))
    write("municipalities.csv", ("code", "name"), municipalities(folder / "geo"))
    write("htcds_codes.csv", ("field", "code"), htcds_codes(folder / "htcds"))


if __name__ == "__main__":
    main()
