"""Generated pages and schemas are those of the rules as they are; the report shows what it must."""

from __future__ import annotations

import re
from typing import Any

import pytest

from policies import coverage
from policies.kernel.words import Decidable, Moment
from policies.pages import COVERAGE, pages
from policies.pages import FOLDER as PAGES
from policies.schemas import FOLDER as SCHEMAS
from policies.schemas import generate


def test_every_rule_has_its_page_and_no_page_is_left_over(registry: Any) -> None:
    wanted = pages(registry)
    assert {path.name for path in PAGES.glob("*.md")} == set(wanted)
    assert len(wanted) == len(registry) + 1
    for name, text in wanted.items():
        assert (PAGES / name).read_text() == text, f"{name} is stale: run `python -m policies.pages`"


def test_the_coverage_of_every_framework_is_as_the_rules_are(registry: Any) -> None:
    wanted = coverage.pages(registry)
    assert {path.name for path in COVERAGE.glob("*.md")} == set(wanted) >= {"haven.md", "bio2.md", "cis.md", "pss.md"}
    for name, text in wanted.items():
        assert (COVERAGE / name).read_text() == text, f"{name} is stale: run `python -m policies.pages`"


def test_every_check_that_only_the_tool_can_decide_has_a_procedure(registry: Any) -> None:
    manual = {known.reference: known.manual for known in coverage.frameworks()["haven"].controls}
    official = [rule for rule in registry if rule.official]
    assert list(manual) == [rule.official for rule in sorted(official, key=lambda rule: rule.position)]
    for rule in official:
        if rule.decidable[Moment.LIVE] is not Decidable.YES:
            assert manual[rule.official], rule.id


def test_a_control_is_listed_once_and_one_inside_a_range_counts_for_it(registry: Any) -> None:
    for name, framework in coverage.frameworks().items():
        references = [known.reference for known in framework.controls]
        assert len(references) == len(set(references)) > 1, name
    cis = coverage.frameworks()["cis"]
    assert coverage._within("1.2.7", "1.2.6-1.2.8")
    assert not coverage._within("1.2.9", "1.2.6-1.2.8")
    assert not coverage._within("rbac", "1.2.6-1.2.8")
    served = coverage.serving(cis, registry)
    assert set(served) & {known.reference for known in cis.controls}


def test_the_schemas_are_those_of_the_models(registry: Any) -> None:
    wanted = generate(registry)
    assert {path.name for path in SCHEMAS.glob("*.json")} == set(wanted)
    for name, text in wanted.items():
        assert (SCHEMAS / name).read_text() == text, f"{name} is stale: run `python -m policies.schemas`"


@pytest.mark.parametrize("name", ["settings", "exemptions", "kubernetes-releases", "verdict-1"])
def test_a_schema_describes_its_keys(registry: Any, name: str) -> None:
    assert '"description"' in generate(registry)[f"{name}.schema.json"]


def test_the_report_needs_nothing_from_elsewhere(engine: Any, registry: Any) -> None:
    from policies.fixtures import cases

    case = next(found for found in cases("haven-hamasters") if found.kind == "fail")
    html = (engine.judge(case).folder / "report.html").read_text()
    assert re.findall(r'(?:src|href)="[^"]*"', html) == []
    assert "@import" not in html
    assert "url(" not in html
    for part in (
        'lang="en"',
        "<title>",
        "controlPlane.count: 3",
        "prediction",
        "stops the run",
        "What was not looked at",
    ):
        assert part in html
    assert html.count('class="entry ') == len(registry)


def test_the_report_escapes_what_a_program_writes(engine: Any, resource: Any) -> None:
    bad = resource(
        "kubernetes:storage.k8s.io/v1:StorageClass",
        "x",
        metadata={"name": "<script>alert(1)</script>"},
        provisioner="<img src=x onerror=alert(1)>",
    )
    html = (engine.run([bad]).folder / "report.html").read_text()
    assert "<script>alert(1)" not in html
    assert "<img src=x" not in html
