"""
Writes the sample spreadsheets under ``config/demo/samples``; everything in them is invented.

    python -m tests.connectors.table.samples

The layout of the workbook is that of the HTCDS 2.0 templates (a hidden row of field names, then the headings), with
two columns that the standard lacks: a case number and a county.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font

SAMPLES = Path(__file__).resolve().parents[3] / "config" / "demo" / "samples"
WORKBOOK = SAMPLES / "us" / "table" / "cases.xlsx"
SHEET = SAMPLES / "mx" / "table" / "casos.csv"

HEADINGS = (
    "Case Number", "County", "Case Owner", "First Name", "Second Name", "Consent", "Birthdate", "Gender",
    "Citizenship", "Mobile Phone", "Trafficking Status", "Trafficking Status Decision Making Organization",
    "Method of Recruitment", "Methods of Control", "Type of Exploitation", "Forced Labour Industry",
    "Type of Sex Exploitation", "Status", "Referring Organisation", "Incoming Referral Date",
    "Reason for Incoming Referral", "Incoming Referral Details", "Reason for Case Closure",
)  # fmt: skip
NAMES = (
    None, None, "cas_CaseOwner", "prs_FirstName", "prs_SecondName", "con_Consent", "prs_Birthdate", "prs_Gender",
    "prs_Citizenship", "prs_MobilePhone", "vic_TraffickingStatus", "vic_TraffickinStatusDecisionMakingOrg",
    "vic_MethodOfRecruitment", "vic_MethodsOfControl", "vic_TypeOfExploitation", "vic_ForcedLabourIndustry",
    "vic_TypeOfSexExploitation", "cas_Status", "cas_ReferringOrganisation", "cas_IncomingReferralDate",
    "cas_ReasonForIncomingReferral", "cas_IncomingReferralDetails", "cas_ReasonForCaseClosure",
)  # fmt: skip
CASES = (
    (
        "HT-2026-0041", "06073", "Unit 4", "Marisol", "Ejemplo Duarte", True, date(2009, 3, 14), "Feminine", "MX",
        "+526195550101", "Possible victim of trafficking", "Police", "Through online social networks",
        "Debt bondage;Threatens children/family;Takes earnings", "Sexual exploitation", None, "Prostitution", "Active",
        "Casa Muestra Shelter", date(2026, 4, 28), "Additional Services Required",
        "Needs a Spanish-speaking advocate before any interview.", None,
    ),
    (
        "HT-2026-0042", "06073", "Unit 4", "Julián", "Inventado Peña", True, date(1998, 11, 2), "Masculine",
        "GT;MX", "+526195550102", "Actual victim of trafficking", "NGO", "At work",
        "Withholds documents;Excessive working hours", "Forced labour", "Agriculture, forestry and fishing", None,
        "Follow up", "Casa Muestra Shelter", date(2026, 3, 9), "Migration Or Change Of Location", None, None,
    ),
    (
        "HT-2026-0043", "06025", "Unit 2", "Ana", "Ficticia Soto", False, date(2011, 7, 30), "Feminine", "US",
        "+14425550103", "Possible victim of trafficking", "Non-police governmental organization",
        "Through friends or social events", "Threats of law enforcement", "Forced begging", None, None, "Active",
        None, None, None, None, None,
    ),
    (
        "HT-2025-0178", "06073", "Unit 4", "Rosa", "Supuesta Lara", True, date(1990, 1, 5), "Feminine", "HN",
        "+526195550104", "Actual victim of trafficking", "Court or prosecution", "At a place of business",
        "Restricts financial access;Psychological abuse", "Forced labour;Servitude",
        "Activities of households as employers; undifferentiated goods- and services- producing activities of "
        "households for own use", None, "Closed", None, None, None, None, "Conviction; support plan completed.",
    ),
)  # fmt: skip

ENCABEZADOS = (
    "Folio", "Municipio", "Fecha de registro", "Estatus", "Sexo", "Nacionalidad", "Edad al ser captada",
    "Tipo de explotación", "Modo de captación", "Medios de control", "Determinó", "Calidad de víctima",
)  # fmt: skip
CASOS = (
    (
        "FGE-TP-0017/2026", "02004", "04/05/2026 13:30", "Activo", "Mujer", "México", "15", "Explotación sexual",
        "Redes sociales en línea", "Falsas promesas|Amenazas a hijos o familia", "Fiscalía", "Posible víctima",
    ),
    (
        "FGE-TP-0018/2026", "02002", "05/05/2026 09:10", "Seguimiento", "Hombre", "Guatemala|México", "19",
        "Trabajo forzado", "En el trabajo", "Retención de documentos|Deudas", "Fiscalía", "Víctima",
    ),
    (
        "FGE-TP-0009/2025", "02004", "12/01/2026 18:45", "Concluido", "Mujer", "Honduras", "22", "Mendicidad forzada",
        "Familia", "Abuso psicológico", "Juzgado", "Víctima",
    ),
)  # fmt: skip


def workbook() -> bytes:
    """The US workbook."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Case Sheet"
    sheet.append(NAMES)
    sheet.append(HEADINGS)
    for case in CASES:
        sheet.append(case)
    sheet.row_dimensions[1].hidden = True
    for cell in sheet[2]:
        cell.font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def casos() -> bytes:
    """The Mexican sheet: semicolons and Windows-1252, as a spreadsheet program in Spanish saves it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(ENCABEZADOS)
    writer.writerows(CASOS)
    return out.getvalue().encode("cp1252")


if __name__ == "__main__":
    WORKBOOK.parent.mkdir(parents=True, exist_ok=True)
    WORKBOOK.write_bytes(workbook())
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    SHEET.write_bytes(casos())
