"""Bad input in the files of teams and apps: one message each, with file, line, key, fault and remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inputs.faults import Fault, FaultsError
from stacks.apps import team_faults
from stacks.loading import PROJECT, Organisation, organisation

TEAM, SHAPE, HERE = "team.yaml", "openzaak/platform.yaml", "openzaak/sandbox.yaml"
Read = Callable[[], list[Fault]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "organisation"
    shutil.copytree(PROJECT / "stacks" / "organisation", root)
    monkeypatch.setenv("KADE_HOME", str(root))
    organisation.cache_clear()
    yield root
    organisation.cache_clear()


@pytest.fixture
def faults(home: Path) -> Read:
    def read() -> list[Fault]:
        files = Organisation(home.resolve())
        try:
            environment = files.environment("sandbox")
            return team_faults(environment, files.team("burgerzaken"), files.apps("burgerzaken", "sandbox"))
        except FaultsError as error:
            return list(error.faults)

    return read


def change(home: Path, file: str, old: str, new: str) -> int:
    """Replace text in a file of the team; return the line on which it stands."""
    path = home / "teams" / "burgerzaken" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_example_has_no_fault(faults: Read) -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "what", "remedy"),
    [
        (TEAM, "contact: burgerzaken@voorbeeld.example", "contact: burgerzaken", "contact", "wrong value", "explain"),
        (TEAM, "openings:\n", "openning: []\nopenings:\n", "openning", "no such key", "openings"),
        (TEAM, "range: 10.0.2.25/32", "range: 10.0.2.25/99", "openings[1].range", "range of addresses", "10.1.2.0/24"),
        (TEAM, "range: 10.0.2.25/32", "range: 10.0.2.25/32\n    namespace: mail", "openings[1]",
         "one other end", "either"),
        (TEAM, "name: mail", "name: database-metrics", "openings[1].name", "two openings", "its own name"),
        (TEAM, "direction: out", "direction: both", "openings[1].direction", "not one of", "'in' or 'out'"),
        (TEAM, 'sandbox: {cpu: "4"', 'sandbox: {cpu: "many"', "environments.sandbox.cpu", "quantity", '"4"'),
        (SHAPE, "version: 1.14.2", "version: 1.x", "chart.version", "wrong value", "explain"),
        (SHAPE, "host: ${database.host}", "host: ${database.hots}", "values.settings.database.host",
         "no placeholder `${database.hots}`", "database.host"),
        (SHAPE, "extensions: [postgis, pg_trgm]", "extensions: ['postgis; drop table']", "database.extensions[0]",
         "wrong value", "explain"),
        (SHAPE, "SECRET_KEY: {generate: 64}", "SECRET_KEY: {}", "secrets.openzaak.SECRET_KEY",
         "one origin", "generate"),
        (SHAPE, "SECRET_KEY: {generate: 64}", "SECRET_KEY: {generate: 64}\n    MAIL: {property: mail}",
         "secrets.openzaak", "half of each", "two secrets"),
        (SHAPE, "repository: https://maykinmedia.github.io/charts/", "repository: https://*.example/",
         "chart.repository", "one exact address", "pattern"),
        (HERE, "volume: {size: 5Gi}", "volume: {seize: 5Gi}", "volume.seize", "no such key", "size"),
        (HERE, "replicaCount: 1\n", "replicaCount: ${replicas}\n", "values.replicaCount",
         "no placeholder", "Known here"),
        (HERE, "volume: {size: 5Gi}", "hostname: 'open zaak'", "hostname", "not a host name", "environment.domain"),
        (HERE, "volume: {size: 5Gi}", "hostname: 'x.${domain}'", "hostname", "no placeholder", "environment.domain"),
        (HERE, 'capacity: {cpu: "4"', 'capacity: {cpu: "5"', "environments.sandbox.cpu", "ask for more", "Lower"),
    ],
)  # fmt: skip
def test_a_fault_names_file_line_key_and_remedy(
    home: Path, faults: Read, file: str, old: str, new: str, key: str, what: str, remedy: str
) -> None:
    if new.startswith("replicaCount: ${"):
        old, new = "values:\n  replicaCount: 1\n", "values:\n  replicaCount: ${replicas}\n"
    line = change(home, file, old, new)
    (fault,) = faults()
    assert fault.key == key
    assert what in fault.what
    assert remedy in fault.remedy
    expected = TEAM if "more" in what else file
    assert fault.file.endswith(f"burgerzaken/{expected}")
    if expected == file:
        # What is wrong with several keys together stands on the line of the key above them.
        above = 3 if key in ("openings[1]", "secrets.openzaak") else 0
        assert line - above <= fault.line <= line + new.count("\n")


def test_what_an_app_does_not_have_cannot_differ(home: Path, faults: Read) -> None:
    change(home, SHAPE, "cache: {}\n", "")
    change(home, HERE, "volume: {size: 5Gi}", "cache: {memory: 1Gi}")
    found = faults()
    # Without a cache its placeholders are unknown too, and all faults come at once.
    assert len(found) >= 6
    assert all("cache" in fault.what or "cache" in fault.key for fault in found)


def test_a_host_that_the_gateway_does_not_answer_for_is_a_fault_where_it_is_written(home: Path, faults: Read) -> None:
    line = change(home, HERE, "volume: {size: 5Gi}", "hostname: openzaak.elsewhere.example")
    (fault,) = faults()
    assert (fault.key, fault.line) == ("hostname", line)
    assert fault.file.endswith(HERE)
    assert "apps.sandbox.voorbeeld.example" in fault.remedy


def test_what_no_service_of_the_cluster_answers_is_a_fault_on_the_line_that_asks(home: Path, faults: Read) -> None:
    file = home / "clusters" / "sandbox.yaml"
    text = file.read_text(encoding="utf-8")
    kept = [text_line for text_line in text.splitlines() if "rwx-storage" not in text_line]
    file.write_text("\n".join(kept), encoding="utf-8")
    (fault,) = faults()
    assert fault.key == "volume"
    assert fault.file.endswith(SHAPE)
    assert "`rwx-storage`" in fault.what


def test_an_environment_without_a_share_is_one_fault(home: Path, faults: Read) -> None:
    change(home, TEAM, '  sandbox: {cpu: "4", memory: 8Gi, storage: 40Gi}\n', "")
    (fault,) = faults()
    assert "no share of environment `sandbox`" in fault.what


def test_a_value_that_may_be_secret_shows_in_no_message(home: Path, faults: Read) -> None:
    change(home, SHAPE, "SECRET_KEY: {generate: 64}", "SECRET_KEY: hunter2-in-clear")
    found = faults()
    assert found
    assert "hunter2" not in " ".join(str(fault) for fault in found)


def test_a_team_file_that_is_not_yaml_fails_that_team_alone(home: Path) -> None:
    (home / "teams" / "burgerzaken" / TEAM).write_text("groups: {deploy: [", encoding="utf-8")
    files = Organisation(home.resolve())
    assert files.team("web").display_name == "Webteam"
    with pytest.raises(FaultsError, match="not valid YAML"):
        files.team("burgerzaken")
