"""Findings as JUnit XML, which continuous integration systems show: a suite for each row, a case for each budget."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ...runtime.text import printable_lines
from .gate import BudgetResult


def as_junit(findings: Sequence[BudgetResult], title: str = "edgeproof check") -> bytes:
    """Return an XML document in UTF-8; a finding that was not judged is a skipped test."""
    root = ET.Element("testsuites", {"name": _legal(title), **_counts(findings)})
    by_row: dict[str, list[BudgetResult]] = {}
    for finding in findings:
        by_row.setdefault(finding.row, []).append(finding)
    for row, own in by_row.items():
        suite = ET.SubElement(root, "testsuite", {"name": _legal(row), **_counts(own)})
        for finding in own:
            # Some systems cut a class's name at its dots, so that tests of one suite would be torn apart.
            names = {"classname": _legal(row).replace(".", "_"), "name": _legal(finding.rule)}
            case = ET.SubElement(suite, "testcase", names)
            if finding.holds is None:
                ET.SubElement(case, "skipped", {"message": _legal(finding.words)})
            elif finding.holds:
                ET.SubElement(case, "system-out").text = _legal(finding.words)
            else:
                message = _legal(finding.words)
                ET.SubElement(case, "failure", {"type": finding.budget, "message": message}).text = message
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _counts(findings: Sequence[BudgetResult]) -> dict[str, str]:
    return {
        "tests": str(len(findings)),
        "failures": str(sum(finding.holds is False for finding in findings)),
        "errors": "0",
        "skipped": str(sum(finding.holds is None for finding in findings)),
    }


def _legal(text: str) -> str:
    """Return text without characters that XML 1.0 does not allow, not even escaped."""
    return printable_lines(text)
