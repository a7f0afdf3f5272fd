from xml.etree import ElementTree as ET

from edgeproof.report.gate.gate import BudgetResult
from edgeproof.report.gate.junit import as_junit

FINDINGS = (
    BudgetResult(row="a.x in E 1", variant="a.x", budget="max_broken", holds=True, words="broken images: 0"),
    BudgetResult(
        row="a.x in E 1", variant="a.x", budget="max_p50_us", threads=2, holds=False, words="too <slow> & more"
    ),
    BudgetResult(row="b.x", variant="b.x", budget="presence", holds=None, words="was not run: no engine"),
)


def test_each_row_is_a_suite_and_each_budget_a_case() -> None:
    root = ET.fromstring(as_junit(FINDINGS))
    assert root.attrib == {"name": "edgeproof check", "tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["a.x in E 1", "b.x"]
    assert [(s.get("tests"), s.get("failures"), s.get("skipped")) for s in suites] == [("2", "1", "0"), ("1", "0", "1")]
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert cases == [("a_x in E 1", "max_broken"), ("a_x in E 1", "max_p50_us (threads: 2)"), ("b_x", "presence")]


def test_a_case_says_what_was_found() -> None:
    holds, fails, skipped = ET.fromstring(as_junit(FINDINGS)).iter("testcase")
    assert [child.tag for child in holds] == ["system-out"]
    assert holds[0].text == "broken images: 0"
    assert [child.tag for child in fails] == ["failure"]
    assert fails[0].attrib == {"type": "max_p50_us", "message": "too <slow> & more"}
    assert [(child.tag, child.get("message")) for child in skipped] == [("skipped", "was not run: no engine")]


def test_the_text_is_utf_8_and_says_so() -> None:
    [finding] = [BudgetResult(row="r", variant="v", budget="b", holds=True, words="50 µs – fast")]
    content = as_junit([finding])
    assert content.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    assert "50 µs – fast" in content.decode("utf-8")


def test_characters_that_xml_forbids_are_spelled_out() -> None:
    bad = "a\0b\x1b[31m\ud800\ufffe\uffff\x7f\U0001f600"
    finding = BudgetResult(row=bad, variant=bad, budget="b", holds=False, words=bad)
    root = ET.fromstring(as_junit([finding], title=bad))
    [failure] = root.iter("failure")
    assert failure.get("message") == "a\\x00b\\x1b[31m\\ud800\\ufffe\\uffff\\x7f\U0001f600"


def test_no_findings_are_an_empty_document() -> None:
    assert ET.fromstring(as_junit([])).attrib["tests"] == "0"
