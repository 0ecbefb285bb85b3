"""supply_chain-charts-pinned: every chart has an exact version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import NoParameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.releases import Release
from policies.model.values import Unknown
from policies.rules.outcomes import fails, not_here, passes, undetermined
from policies.rules.supply_chain.shared import supply_chain

EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")


@supply_chain(
    "charts-pinned",
    title="Every chart has an exact version",
    bio2=("8.19", "8.32.01"),
    rationale="A chart without a version, or with a range, is another program at the next sync.",
    looks_at="The version of each chart that is installed: by Pulumi, by an Application of Argo CD, by a HelmRelease of"
    " Flux. A chart from a local folder is pinned by its commit.",
    severity=Severity.MEDIUM,
    fix="Write the exact version.",
)
def charts_pinned(model: Model, _parameters: NoParameters) -> Iterator[Outcome]:
    """Look at each chart's version."""
    found = [release for release in model.releases if not _local(release)]
    wrong = False
    for release in found:
        version, path = release.version, _path(release)
        if isinstance(version, Unknown):
            wrong = True
            gap = version.of(release.subject)
            yield undetermined(release.subject, "Which version is installed is not known yet.", [gap], path=gap.path)
        elif version is None or EXACT.match(version) is None:
            wrong = True
            sentence = f"The chart's version is {version or 'not written'}."
            yield fails(release.subject, sentence, path=path, expected="an exact version", actual=version)
    if wrong:
        return
    if found:
        yield passes(model.cluster, f"{len(found)} charts have an exact version.")
    else:
        yield not_here(model, "There are no charts here.")


def _path(release: Release) -> str:
    if release.via == "argocd":
        return f"{release.settings_path.partition('.helm')[0]}.targetRevision"
    return "version" if release.via == "helm" else "spec.chart.spec.version"


def _local(release: Release) -> bool:
    return isinstance(release.chart, str) and release.chart.startswith((".", "/")) and release.via == "helm"
