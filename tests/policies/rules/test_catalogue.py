"""The three groups as a whole: nothing is missing, and each rule is proven to look at what it says."""

from __future__ import annotations

from typing import Any

import pytest

from policies.fixtures import cases
from policies.kernel.words import Severity
from policies.rules import load

GROUPS = ("pod_security", "tenancy", "supply_chain")
RULES = [rule for rule in load() if rule.framework in GROUPS]

BASELINE = {
    "HostProcess",
    "Host Namespaces",
    "Privileged Containers",
    "Capabilities",
    "HostPath Volumes",
    "Host Ports",
    "Host Probes / Lifecycle Hooks",
    "AppArmor",
    "SELinux",
    "/proc Mount Type",
    "Seccomp",
    "Sysctls",
}
RESTRICTED = {
    "Volume Types",
    "Privilege Escalation",
    "Running as Non-root",
    "Running as Non-root user",
    "Seccomp",
    "Capabilities",
    "/proc Mount Type",
}
"""The controls as the standards name them."""


def test_every_control_of_the_pod_security_standards_has_a_rule() -> None:
    references = [one.reference for rule in RULES for one in rule.controls if one.framework.startswith("Pod Security")]
    named = {reference for reference in references if ": " in reference}
    wanted = {f"baseline: {name}" for name in BASELINE} | {f"restricted: {name}" for name in RESTRICTED}
    assert named == wanted
    assert len([one for one in references if ": " in one]) == len(wanted)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_change_of_the_passing_example_turns_the_status(rule: Any) -> None:
    found = cases(rule.id)
    assert any(case.kind == "fail" and case.changes for case in found)
    assert any(case.kind == "unknown" and case.changes for case in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_serves_bio2_and_nis2(rule: Any) -> None:
    frameworks = {control.framework: control.version for control in rule.controls}
    assert frameworks["BIO2"] == "1.3"
    assert frameworks["NIS2"] == "2022/2555"
    assert frameworks.get("CIS Kubernetes", "1.12") == "1.12"


def test_what_hands_over_the_cluster_is_critical(registry: Any) -> None:
    for rule in ("pod_security-privileged", "tenancy-cluster-admin", "tenancy-rbac-escalation", "tenancy-vault-policy"):
        assert registry.find(rule).severity is Severity.CRITICAL


def test_the_groups_are_as_large_as_thought() -> None:
    assert {group: sum(rule.framework == group for rule in RULES) for group in GROUPS} == {
        "pod_security": 20,
        "tenancy": 19,
        "supply_chain": 7,
    }
