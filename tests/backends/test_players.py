"""What the parts decide, without a server; and that what kwok plays is about our kinds and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.backends import player
from rehearsal.backends.api import ApiError, Client, Object, dig
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.kubernetes import STAGES
from rehearsal.backends.players import addresses, external_secrets, volumes
from rehearsal.backends.players.vault import StoreError
from rehearsal.backends.players.world import PLAYED, Play, World, seconds
from rehearsal.backends.site import Site


class Recorder(Client):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Object]] = []
        self.refuses: ApiError | None = None

    def create(self, path: str, body: Object) -> Object:
        return self._keep("create", path, body)

    def merge(self, path: str, patch: Object) -> Object:
        return self._keep("merge", path, patch)

    def apply(self, path: str, body: Object, manager: str, **_: bool) -> Object:
        return self._keep("apply", path, body)

    def path_of(self, manifest: Object, part: str | None = None) -> str:
        return "/".join(filter(None, (manifest["kind"], manifest["metadata"]["name"], part)))

    def _keep(self, how: str, path: str, body: Object) -> Object:
        if self.refuses:
            raise self.refuses
        self.sent.append((how, path, body))
        return body


@pytest.fixture
def world(site: Site) -> World:
    made = World(Recorder(), Endpoints(), site)
    Play(made, player.parts())
    return made


def sent(world: World) -> list[tuple[str, str, Object]]:
    assert isinstance(world.client, Recorder)
    return world.client.sent


def put(world: World, thing: Object) -> Object:
    kind = (thing["apiVersion"], thing["kind"])
    world.objects[kind][(thing["metadata"].get("namespace", ""), thing["metadata"]["name"])] = thing
    return thing


def service(name: str, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer", **spec}}


def pool(*blocks: dict[str, str], **spec: Any) -> Object:
    metadata = {"name": "pool"}
    kind = {"apiVersion": "cilium.io/v2", "kind": "CiliumLoadBalancerIPPool"}
    return {**kind, "metadata": metadata, "spec": {"blocks": list(blocks), **spec}}


def given(world: World) -> list[Any]:
    return [dig(body, "status", "loadBalancer", "ingress") for _, _, body in sent(world)]


def test_two_services_never_get_one_address_and_the_third_is_told_that_none_is_left(world: World) -> None:
    put(world, pool({"start": "10.20.0.200", "stop": "10.20.0.201"}))
    for name in ("a", "b", "c"):
        addresses.Addresses().play(world, put(world, service(name)))
    first, second, third = given(world)
    assert [first[0]["ip"], second[0]["ip"], third] == ["10.20.0.200", "10.20.0.201", None]
    assert sent(world)[2][2]["status"]["conditions"][0]["reason"] == "out_of_ips"


@pytest.mark.parametrize(
    ("thing", "of"),
    [
        (service("a", type="ClusterIP"), pool({"start": "10.20.0.200"})),
        (service("a", loadBalancerClass="example.org/another"), pool({"start": "10.20.0.200"})),
        (service("a"), pool({"start": "10.20.0.200"}, disabled=True)),
    ],
)
def test_what_cilium_would_leave_alone_is_left_alone(world: World, thing: Object, of: Object) -> None:
    put(world, of)
    addresses.Addresses().play(world, put(world, thing))
    assert sent(world) == []


def test_a_wanted_address_is_given_and_a_gateways_is_not(world: World) -> None:
    put(world, pool({"cidr": "10.20.0.200/30"}))
    gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "public"}}
    put(world, {**gateway, "spec": {"addresses": [{"value": "10.20.0.200"}]}})
    wanting = service("a")
    wanting["metadata"]["annotations"] = {addresses.WANTED: "10.20.0.203"}
    addresses.Addresses().play(world, put(world, wanting))
    addresses.Addresses().play(world, put(world, service("b")))
    assert [one[0]["ip"] for one in given(world)] == ["10.20.0.203", "10.20.0.201"]


def claim(world: World, mode: str, binding: str, driver: str, annotations: dict[str, str] | None = None) -> Object:
    cls = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "block"}}
    put(world, {**cls, "provisioner": driver, "volumeBindingMode": binding, "reclaimPolicy": "Retain"})
    metadata = {"name": "data", "namespace": "shop", "uid": "a-uid", "annotations": annotations or {}}
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"storageClassName": "block", "accessModes": [mode], "resources": resources}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return put(world, {**kind, "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}})


VSPHERE, NFS = volumes.SEVERAL_WRITERS


@pytest.mark.parametrize(
    ("mode", "binding", "driver", "annotations", "makes"),
    [
        ("ReadWriteOnce", "Immediate", VSPHERE, {}, ["PersistentVolume"]),
        ("ReadWriteOnce", "WaitForFirstConsumer", VSPHERE, {}, []),
        ("ReadWriteOnce", "WaitForFirstConsumer", VSPHERE, {volumes.SELECTED: "worker-1"}, ["PersistentVolume"]),
        ("ReadWriteMany", "Immediate", VSPHERE, {}, ["Event"]),
        ("ReadWriteMany", "Immediate", NFS, {}, ["PersistentVolume"]),
        ("ReadWriteOnce", "Immediate", "example.org/another", {}, []),
    ],
)
def test_a_volume_is_made_when_and_where_its_driver_would(
    world: World, mode: str, binding: str, driver: str, annotations: dict[str, str], makes: list[str]
) -> None:
    volumes.Volumes().play(world, claim(world, mode, binding, driver, annotations))
    assert [body["kind"] for _, _, body in sent(world)] == makes
    if makes == ["PersistentVolume"]:
        body = sent(world)[0][2]
        assert body["spec"]["claimRef"]["uid"] == "a-uid"
        assert body["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@pytest.mark.parametrize(("status", "raised"), [(409, False), (403, True)])
def test_a_volume_that_is_there_is_no_fault(world: World, status: int, raised: bool) -> None:
    assert isinstance(world.client, Recorder)
    world.client.refuses = ApiError(status, "Reason", "text")
    thing = claim(world, "ReadWriteOnce", "Immediate", VSPHERE)
    if not raised:
        assert volumes.Volumes().play(world, thing) is None
        return
    with pytest.raises(ApiError):
        volumes.Volumes().play(world, thing)


def test_a_template_names_keys_and_what_does_more_is_refused() -> None:
    request: Object = {"spec": {"target": {"template": {"data": {"users": "on >{{ .password }} +@all"}}}}}
    rendered = external_secrets._rendered  # pyright: ignore[reportPrivateUsage]  # decides what arrives
    assert rendered(request, {"password": "abc"}) == {"users": "on >abc +@all"}
    request["spec"]["target"]["template"]["data"]["users"] = "{{ .password | b64enc }}"
    with pytest.raises(StoreError, match="which a rehearsal does not play"):
        rendered(request, {"password": "abc"})


@pytest.mark.parametrize(
    ("text", "found"), [("1h30m", 5400.0), ("1h0m0s", 3600.0), ("500ms", 0.5), ("0s", 7.0), ("", 7.0), (None, 7.0)]
)
def test_durations_are_read_as_go_writes_them(text: str | None, found: float) -> None:
    assert seconds(text, 7.0) == found


def test_a_fault_of_one_part_is_told_without_its_text_and_stops_no_other(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        name = "broken"
        kinds = (("v1", "Secret"),)
        looks_at = ()

        def play(self, world: World, thing: Object) -> float | None:
            play.stop()
            msg = "a value that nobody may see"
            raise RuntimeError(msg)

    play = Play(world, [Broken()])
    secret = {"metadata": {"name": "s", "namespace": "shop"}}
    play._note(("v1", "Secret"), "ADDED", secret)  # pyright: ignore[reportPrivateUsage]  # in place of a watch
    play._play()  # pyright: ignore[reportPrivateUsage]
    told = capsys.readouterr().err
    assert "RuntimeError at " in told
    assert "nobody may see" not in told


STAGE_FILES = sorted(STAGES.glob("*.yaml"))


@pytest.mark.parametrize("file", STAGE_FILES, ids=lambda file: file.stem)
def test_a_stage_says_that_it_is_played_and_leaves_alone_what_goes(file: Path) -> None:
    stages: list[Any] = list(yaml.safe_load_all(file.read_text()))
    assert stages
    for stage in stages:
        assert (stage["apiVersion"], stage["kind"]) == ("kwok.x-k8s.io/v1alpha1", "Stage")
        rules = str(stage["spec"]["selector"])
        assert "deletionTimestamp" in rules, stage["metadata"]["name"]
        if "!has(self.metadata.deletionTimestamp)" in rules:
            assert PLAYED in str(stage["spec"]["steps"]), stage["metadata"]["name"]
            assert stage["spec"]["delay"]["durationMilliseconds"] >= 100, "waiting would not be tested"


def test_every_stage_has_a_name_of_its_own() -> None:
    names = [one["metadata"]["name"] for file in STAGE_FILES for one in yaml.safe_load_all(file.read_text())]
    assert len(names) == len(set(names)) >= 12
