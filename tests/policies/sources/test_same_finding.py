"""The same example through each source gives the same finding, rule by rule."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
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
from policies.model.resource import KUBERNETES, Inventory, Resource
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


@pytest.fixture(scope="module")
def through_preview(one_engine: Any) -> Callable[[Case], list[dict[str, Any]]]:
    """What preview says of a case, judged once for all sources that are compared with it."""

    @cache
    def said(number: int) -> list[dict[str, Any]]:
        messages = one_engine.messages("demo", CASES[number].resources)
        return findings(CASES[number], preview.inventory(messages), Source.PREVIEW)

    numbers = {id(case): number for number, case in enumerate(CASES)}
    return lambda case: said(numbers[id(case)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sources")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_gives_the_same_finding_at_preview_and_from_the_state(
    case: Case, through_preview: Any, folder: Path
) -> None:
    path = folder / "export.json"
    path.write_text(json.dumps(exported(case)))
    gathered = state.read(path)
    assert not gathered.faults
    assert findings(case, gathered.inventory, Source.STATE) == through_preview(case)


OBJECTS = [case for case in CASES if case.resources and all(is_object(example) for example in case.resources)]


@pytest.mark.parametrize("case", OBJECTS, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_of_objects_gives_the_same_finding_from_manifests(
    case: Case, through_preview: Any, folder: Path
) -> None:
    path = folder / "objects.yaml"
    path.write_text("---\n".join(dump(written(example.properties)) for example in case.resources))
    gathered = manifests.read([path])
    assert not gathered.faults
    assert len(gathered.inventory.resources) == len({str(example) for example in case.resources})
    assert findings(case, gathered.inventory, Source.MANIFESTS) == through_preview(case)


def served(example: Example) -> bool:
    """Whether the live source reads objects of this kind; nothing in a cluster is filled in later."""
    group = str(example.properties["apiVersion"]).rpartition("/")[0]
    kinds = {kind for kind, _ in live.WANTED.get(group, ())}
    return example.properties["kind"] in kinds and UNKNOWN not in json.dumps(example.properties)


SERVED = [case for case in OBJECTS if all(served(example) for example in case.resources)]


def batches() -> Iterator[list[tuple[int, Case]]]:
    """The cases that one cluster can serve together: it serves each group in one version."""
    left = list(enumerate(SERVED))
    while left:
        versions: dict[str, str] = {}
        now = [one for one in left if joins(one[1], versions)]
        yield now
        left = [one for one in left if one not in now]


def joins(case: Case, versions: dict[str, str]) -> bool:
    """Add the versions of a case's groups, unless one is served in another version already."""
    split = (str(example.properties["apiVersion"]).rpartition("/") for example in case.resources)
    own = {group: version for group, _, version in split}
    if any(versions.get(group, version) != version for group, version in own.items()):
        return False
    versions.update(own)
    return True


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, stand_in: Any) -> Mapping[int, list[Resource]]:
    """What the live source reads of every case, by the case's number, which its objects carry as their uid.

    Every reading asks some thirty questions over TLS, so that one serves many cases.
    """
    found: dict[int, list[Resource]] = {number: [] for number in range(len(SERVED))}
    with stand_in.serving(stand_in.Cluster(tmp_path_factory.mktemp("cluster"))) as cluster:
        for batch in batches():
            cluster.objects, cluster.groups = objects(batch)
            gathered = live.read(cluster.kubeconfig(), None)
            assert not gathered.faults
            for item in gathered.inventory.resources:
                if item.type != SERVER:
                    found[int(item.properties["metadata"]["uid"])].append(item)
    return found


def objects(batch: list[tuple[int, Case]]) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The objects of several cases by the path that they are served at, and the version of each group."""
    plurals = {(group, kind): plural for group, kinds in live.WANTED.items() for kind, plural in kinds}
    found: dict[str, list[Any]] = {}
    versions: dict[str, str] = {}
    for number, case in batch:
        for example in case.resources:
            body = example.properties
            api, kind = str(body["apiVersion"]), str(body["kind"])
            group, _, version = api.rpartition("/")
            versions[group] = version
            bare = {key: part for key, part in body.items() if key not in ("apiVersion", "kind")}
            bare["metadata"] = {**body["metadata"], "uid": str(number)}
            root = f"/apis/{api}" if group else f"/api/{api}"
            found.setdefault(f"{root}/{plurals[group, kind]}", []).append(bare)
    return found, versions


@pytest.mark.parametrize("case", SERVED, ids=lambda case: f"{case.rule}: {case.kind}: {case.title}")
def test_an_example_of_objects_gives_the_same_finding_from_a_cluster(
    case: Case, through_preview: Any, seen: Mapping[int, list[Resource]]
) -> None:
    # As preview judges the same objects: on a live cluster what is missing is a fail, and here only a part is given.
    found = tuple(seen[next(number for number, one in enumerate(SERVED) if one is case)])
    assert len(found) == len(case.resources)
    assert findings(case, Inventory(found), Source.PREVIEW) == through_preview(case)


def test_every_rule_was_compared() -> None:
    compared = Counter(case.rule for case in CASES)
    assert compared.keys() == {rule.id for rule in RULES if rule.about is About.MODEL}
    assert sum(compared.values()) >= 110
    assert len(OBJECTS) >= 30
    assert len(SERVED) >= 20
    assert {case.status for case in OBJECTS} >= {Status.PASS, Status.FAIL, Status.UNDETERMINED}
