"""The projects' own charts, at the versions that we pin, with our own values: they render, and the result is taken.

Two of our charts come with the modules that hold the definitions, and Kyverno's two as well. No other chart of ours
can be had from a registry of Go modules; what they make of our values is not shown here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster.charts import CILIUM
from components.services.security import cert_manager, kyverno
from rehearsal.backends import build, crds, crds_template
from rehearsal.backends.api import ApiError, Client, Object, dig
from rehearsal.backends.schemas import refused
from rehearsal.backends.tools import Tools
from rehearsal.toolchain.progress import Progress
from tests.conftest import Build
from tests.stacks.test_program import built

pytestmark = pytest.mark.engine

NAMESPACE = "chart"
VERSION = "1.36.3"


@dataclass(frozen=True)
class Chart:
    """A chart in a module, and where the program has its values."""

    name: str
    pinned: str
    module: str
    folder: str
    stack: str


CHARTS = (
    Chart("cilium", CILIUM.version, "github.com/cilium/cilium", "install/kubernetes/cilium", "production-cluster"),
    Chart(
        "cert-manager", cert_manager.CHART.version, "github.com/cert-manager/cert-manager",
        "deploy/charts/cert-manager", "production-services",
    ),
    Chart("kyverno", kyverno.ENGINE.version, "github.com/kyverno/kyverno", "charts/kyverno", "production-services"),
    Chart(
        "kyverno-policies", kyverno.POLICIES.version, "github.com/kyverno/kyverno", "charts/kyverno-policies",
        "production-services",
    ),
)  # fmt: skip
EVERY = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)

DOCUMENTED = {
    # Stand in the chart's values as comments alone, but in its schema and its templates.
    "cert-manager": {f"{part}.podDisruptionBudget.minAvailable" for part in ("", ".webhook", ".cainjector")},
}


@pytest.fixture(scope="module")
def tools() -> Tools:
    return build.prepare(Progress(), ("kubernetes",))


@pytest.fixture(scope="module")
def server(tools: Tools) -> Generator[Client]:
    with crds_template.serving(Path(tools.programs["etcd"]).parent, Path(tools.template)) as client:
        yield client


def values(build: Build, chart: Chart) -> Object:
    """Return our values of a chart: of a release by Pulumi, or of an Application."""
    for one in built(build, chart.stack).resources.values():
        if one.type.endswith(":Release") and one.inputs.get("chart") == chart.name:
            return one.inputs["values"]
        if dig(one.inputs, "spec", "source", "chart") == chart.name:
            return one.inputs["spec"]["source"]["helm"]["valuesObject"]
    raise AssertionError(chart.name)


def chart_folder(chart: Chart, tmp_path: Path) -> Path:
    """Return a copy of a chart, without the sub-charts that its module does not hold: they bring definitions only."""
    target = tmp_path / chart.name
    shutil.copytree(crds.modules()[chart.module] / chart.folder, target, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    about: Any = yaml.safe_load((target / "Chart.yaml").read_text())
    held = {path.name for path in (target / "charts").glob("*")} if (target / "charts").is_dir() else set[str]()
    about["dependencies"] = [one for one in about.get("dependencies", []) if one["name"] in held]
    (target / "Chart.yaml").write_text(yaml.safe_dump(about))
    (target / "Chart.lock").unlink(missing_ok=True)
    return target


def helm(tools: Tools, folder: Path, given: Object) -> subprocess.CompletedProcess[str]:
    file = folder.parent / "ours.json"
    file.write_text(json.dumps(given))
    command = [tools.programs["helm"], "template", folder.name, str(folder), "-n", NAMESPACE, "-f", str(file)]
    return subprocess.run(
        [*command, "--api-versions", "gateway.networking.k8s.io/v1/GatewayClass", "--no-hooks"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def unknown(ours: Object, theirs: Any, path: str = "") -> list[str]:
    """Return the values of ours that the chart's own values do not have; a free map has all."""
    found: list[str] = []
    for key, value in ours.items():
        if not isinstance(theirs, dict) or not theirs:
            continue
        if key not in theirs:
            found.append(f"{path}.{key}")
        elif isinstance(value, dict):
            found += unknown(value, theirs[key], f"{path}.{key}")
    return found


@EVERY
def test_the_module_holds_the_chart_at_the_version_that_we_pin(chart: Chart) -> None:
    (source,) = [one for one in crds.sources() if one.module == chart.module]
    assert source.exact
    about: Any = yaml.safe_load((crds.modules()[chart.module] / chart.folder / "Chart.yaml").read_text())
    # cert-manager fills its version in when it releases.
    assert chart.pinned in (about["version"], source.version)


@EVERY
def test_the_chart_knows_every_value_that_we_give(build: Build, chart: Chart) -> None:
    ours = values(build, chart)
    theirs: Any = yaml.safe_load((crds.modules()[chart.module] / chart.folder / "values.yaml").read_text())
    assert ours
    assert set(unknown(ours, theirs)) == DOCUMENTED.get(chart.name, set[str]())


@EVERY
def test_the_chart_renders_and_the_api_server_takes_all_of_it(
    build: Build, tools: Tools, server: Client, chart: Chart, tmp_path: Path
) -> None:
    done = helm(tools, chart_folder(chart, tmp_path), values(build, chart))
    assert done.returncode == 0, done.stderr
    found = [one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one]
    taken = [one for one in found if one["kind"] != "CustomResourceDefinition"]
    assert len(taken) > 10
    for one in taken:
        try:
            inside = server.kind(one["apiVersion"], one["kind"]).namespaced
        except ApiError:
            inside = False  # the server names the kind that it does not have
        if inside:
            one["metadata"].setdefault("namespace", NAMESPACE)
    assert refused(server, ((chart.name, one) for one in taken)) == []


def test_a_value_that_a_charts_schema_does_not_allow_is_refused(build: Build, tools: Tools, tmp_path: Path) -> None:
    chart = CHARTS[1]
    done = helm(tools, chart_folder(chart, tmp_path), {**values(build, chart), "replicaCounts": 2})
    assert done.returncode != 0
    assert "replicaCounts" in done.stderr
