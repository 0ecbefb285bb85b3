"""The same example through each source gives the same finding, rule by rule."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from inputs.yaml import dump
from policies.fixtures import SECRET, UNKNOWN, Case, Example, cases
from policies.kernel.judge import judge
from policies.kernel.settings import SettingsFile, resolve
from policies.kernel.verdict import Scope
from policies.kernel.words import About, Source, Status
from policies.model.control_plane import SERVER
from policies.model.model import Model
from policies.model.resource import KUBERNETES, Inventory
from policies.reports.assembly import finding_part
from policies.rules import load
from policies.sources import live, manifests, preview, state
from policies.sources.wire import SECRET_SIGNATURE, SIGNATURE

RULES = load()
CASES = [case for rule in RULES if rule.about is About.MODEL for case in cases(rule.id)]
COMPUTED = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def findings(case: Case, inventory: Inventory, source: Source) -> list[dict[str, Any]]:
    """What the case's rule says, without what must differ between sources: evidence, line, why a value is open."""
    rules = RULES.select((case.rule,), ())
    layers = None if case.layers is None else frozenset(case.layers)
    scope = Scope(stack="demo", cluster="demo", layers=layers, source=source)
    settings = resolve(SettingsFile(), RULES, None, case.day)
    verdict = judge(Model(inventory, scope, case.day), scope, rules, settings)
    found = [finding_part(finding).model_dump(mode="json") for finding in verdict.findings]
    for finding in found:
        del finding["evidence"]
        finding.pop("place", None)  # only files have lines
        for gap in finding["unknown"]:
            del gap["why"]
    assert found
    return found


def exported(case: Case) -> dict[str, Any]:
    """The case as `pulumi stack export` writes it, half of it as inputs only."""
    urns = {example.name: f"urn:pulumi:demo::kade::{example.type}::{example.name}" for example in case.resources}
    provider = "urn:pulumi:demo::kade::pulumi:providers:kubernetes::files"
    resources: list[dict[str, Any]] = [
        {"urn": provider, "id": "1", "type": "pulumi:providers:kubernetes", "inputs": {"renderYamlToDirectory": "x"}}
    ]
    for number, example in enumerate(case.resources):
        properties = stated(example.properties)
        resources.append(
            {
                "urn": urns[example.name],
                "type": example.type,
                "custom": True,
                "inputs": properties,
                "outputs": {} if number % 2 else properties,
                "dependencies": sorted({urns[name] for names in example.origins.values() for name in names}),
                "propertyDependencies": {key: [urns[n] for n in names] for key, names in example.origins.items()},
                **({"provider": f"{provider}::1"} if example.renders else {}),
            }
        )
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources}}


def stated(value: Any) -> Any:
    if value == UNKNOWN:
        return COMPUTED
    if isinstance(value, str) and value.startswith(SECRET):
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": "djE6Li4u"}
    if isinstance(value, Mapping):
        return {key: stated(part) for key, part in value.items()}
    return [stated(part) for part in value] if isinstance(value, list) else value


def written(value: Any) -> Any:
    if value == UNKNOWN:
        return "${FILLED_IN_LATER}"
    if isinstance(value, str) and value.startswith(SECRET):
        return "ENC[AES256_GCM,data:AAAA,type:str]"
    if isinstance(value, Mapping):
        return {key: written(part) for key, part in value.items()}
    return [written(part) for part in value] if isinstance(value, list) else value


def is_object(example: Example) -> bool:
    """Whether it can stand in a manifest: an object of the API server, delivered by nothing else."""
    body = example.properties
    if not example.type.startswith(KUBERNETES) or example.renders or example.type.endswith("Patch"):
        return False
    metadata = body.get("metadata")
    return isinstance(body.get("kind"), str) and isinstance(metadata, dict) and metadata.get("name") == example.name


def through_preview(case: Case, engine: Any) -> list[dict[str, Any]]:
    messages = engine.messages("demo", case.resources)
    return findings(case, preview.inventory(messages), Source.PREVIEW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_gives_the_same_finding_at_preview_and_from_the_state(
    case: Case, engine: Any, tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported(case)))
    gathered = state.read(path)
    assert not gathered.faults
    assert findings(case, gathered.inventory, Source.STATE) == through_preview(case, engine)


OBJECTS = [case for case in CASES if case.resources and all(is_object(example) for example in case.resources)]


@pytest.mark.parametrize("case", OBJECTS, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_of_objects_gives_the_same_finding_from_manifests(case: Case, engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text("---\n".join(dump(written(example.properties)) for example in case.resources))
    gathered = manifests.read([path])
    assert not gathered.faults
    assert len(gathered.inventory.resources) == len({str(example) for example in case.resources})
    assert findings(case, gathered.inventory, Source.MANIFESTS) == through_preview(case, engine)


def served(example: Example) -> bool:
    """Whether the live source reads objects of this kind; nothing in a cluster is filled in later."""
    group = str(example.properties["apiVersion"]).rpartition("/")[0]
    kinds = {kind for kind, _ in live.WANTED.get(group, ())}
    return example.properties["kind"] in kinds and UNKNOWN not in json.dumps(example.properties)


# One of each kind per rule: every reading asks some thirty questions over TLS.
SERVED = list({(c.rule, c.kind): c for c in OBJECTS if all(served(example) for example in c.resources)}.values())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, stand_in: Any) -> Iterator[Any]:
    with stand_in.serving(stand_in.Cluster(tmp_path_factory.mktemp("cluster"))) as found:
        yield found


@pytest.mark.parametrize("case", SERVED, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_of_objects_gives_the_same_finding_from_a_cluster(case: Case, engine: Any, cluster: Any) -> None:
    plurals = {(group, kind): plural for group, kinds in live.WANTED.items() for kind, plural in kinds}
    cluster.objects, versions = {}, {}
    for example in case.resources:
        api = str(example.properties["apiVersion"])
        group, _, version = api.rpartition("/")
        versions[group] = version
        root = f"/apis/{api}" if group else f"/api/{api}"
        bare = {key: part for key, part in example.properties.items() if key not in ("apiVersion", "kind")}
        cluster.objects.setdefault(f"{root}/{plurals[group, str(example.properties['kind'])]}", []).append(bare)
    cluster.groups = versions
    gathered = live.read(cluster.kubeconfig(), None)
    assert not gathered.faults
    # As preview judges the same objects: on a live cluster what is missing is a fail, and here only a part is given.
    objects = tuple(item for item in gathered.inventory.resources if item.type != SERVER)
    assert len(objects) == len(case.resources)
    assert findings(case, Inventory(objects), Source.PREVIEW) == through_preview(case, engine)


def test_every_rule_was_compared() -> None:
    compared = Counter(case.rule for case in CASES)
    assert compared.keys() == {rule.id for rule in RULES if rule.about is About.MODEL}
    assert sum(compared.values()) >= 110
    assert len(OBJECTS) >= 30
    assert len(SERVED) >= 20
    assert {case.status for case in OBJECTS} >= {Status.PASS, Status.FAIL, Status.UNDETERMINED}
