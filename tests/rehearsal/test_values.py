"""Property values on the wire and in memory, differences between them, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.install import STAND_INS
from rehearsal.plugins import kinds, talos_config
from rehearsal.plugins.changes import compare, path_text
from rehearsal.plugins.immutable import cluster_scoped, replaces
from rehearsal.plugins.kinds import TABLES
from rehearsal.plugins.sdk import Sdk
from rehearsal.plugins.standin import Place, StandInError
from rehearsal.plugins.store import Store, write
from rehearsal.plugins.values import UNKNOWN, Secret, decode, encode, has_unknown, hide, mark, mark_like, plain

ASSET = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "hello", "hash": "x"}


def test_values_survive_the_wire() -> None:
    props = {
        "whole": 3, "half": 1.5, "yes": True, "none": None, "text": "t", "list": [1, {"a": UNKNOWN}],
        "secret": Secret({"a": ["b", Secret(UNKNOWN)]}), "asset": ASSET,
    }  # fmt: skip
    again = decode(encode(props))
    assert again == props
    assert type(again["whole"]) is int
    assert has_unknown(again)


def test_a_secret_shows_itself_nowhere() -> None:
    assert "planted" not in repr(Secret("planted")) + str({"a": [Secret("planted")]})


def test_marks_come_back_where_they_were_also_on_items_that_are_new() -> None:
    example = {"a": Secret("x"), "b": {"c": ["plain", Secret("y")]}}
    assert mark_like({"a": "1", "b": {"c": ["2", "3", "4"]}, "d": "5"}, example) == {
        "a": Secret("1"), "b": {"c": ["2", Secret("3"), Secret("4")]}, "d": "5",
    }  # fmt: skip
    assert mark({"a": {"b": 1}}, ("a", "b")) == {"a": {"b": Secret(1)}}
    assert mark({"a": UNKNOWN}, ("a", "b")) == {"a": UNKNOWN}


def test_hiding_leaves_nothing_of_a_secret_but_its_keys() -> None:
    hidden = hide({"open": "o", "kept": Secret({"user": "u", "list": ["p"]})}, lambda text: f"digest of {len(text)}")
    assert hidden == {"open": "o", "kept": {"user": "digest of 3", "list": ["digest of 3"]}}


def test_differences_name_their_place_and_look_through_secrets() -> None:
    old = {"a": Secret("x"), "b": [1, 2], "c": {"d/e": True}, "gone": 1, "none": None}
    new = {"a": "x", "b": [1, UNKNOWN, 3], "c": {"d/e": 1}, "none": None, "new": "n"}
    found = {path_text(change.path): change.kind for change in compare(old, new, lambda path: path[0] == "c")}
    assert found == {"b[1]": "update", "b[2]": "add", 'c["d/e"]': "update", "gone": "delete", "new": "add"}
    assert [change.path for change in compare(old, new, lambda path: path[0] == "c") if change.replaces] == [
        ("c", "d/e")
    ]


def test_immutable_fields_are_matched_by_whole_names() -> None:
    assert replaces("apps/v1", "Deployment", ("spec", "selector", "matchLabels", "a"), False)
    assert not replaces("apps/v1", "Deployment", ("spec", "selectorOther"), False)
    assert replaces("v1", "ConfigMap", ("metadata", "namespace"), False)
    assert not replaces("v1", "ConfigMap", ("data", "a"), False)
    assert replaces("v1", "ConfigMap", ("data", "a"), True)
    assert cluster_scoped("ClusterIssuer")
    assert cluster_scoped("GatewayClass")
    assert not cluster_scoped("Cluster")  # CloudNativePG's


def test_a_store_keeps_nonce_and_time_and_counts_revisions(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", b"key")
    first = store.put("k", "urn", "t", "i", {"a": Secret("planted")})
    same = store.put("k", "urn", "t", "i", {"a": "planted"})
    other = store.put("k", "urn", "t", "i", {"a": "other"})
    assert (first.nonce, first.made, first.revision) == (same.nonce, same.made, same.revision)
    assert (other.nonce, other.revision) == (first.nonce, 2)
    assert Store(tmp_path / "s", b"key").get("k") == other
    assert store.made_up(first, "x") == store.made_up(other, "x") != store.made_up(other, "y")
    store.remove("k")
    assert store.put("k", "urn", "t", "i", {}).nonce != first.nonce
    assert store.digest("a") != Store(tmp_path, b"other key").digest("a")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "f", "old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "f", "new")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("f", "old")]


def test_every_row_of_a_table_is_a_type_of_the_sdk_and_names_real_properties() -> None:
    rows = 0
    for file in TABLES.glob("*.toml"):
        sdk = Sdk(STAND_INS[file.stem])
        for token, kind in kinds.load(file.stem).items():
            facts = sdk.resource(token)
            assert facts is not None, token
            names = {*kind.outputs, *kind.unknown_on_update, *(path.split(".")[0] for path in kind.secret)}
            assert names <= facts.outputs.keys(), token
            given = {
                *kind.defaults,
                *kind.replaces,
                *kind.one_of,
                *(key for group in kind.exactly_one for key in group),
            }
            assert given <= facts.inputs.keys(), token
            assert len(kind.why) > 10, token
            rows += 1
    assert rows == 26


def test_templates_take_inputs_alternatives_and_defaults() -> None:
    def zeros(what: str) -> bytes:
        return bytes(32)

    assert kinds.render("auth/{backend=jwt}/role/{name}", {"name": "r"}, zeros) == "auth/jwt/role/r"
    assert kinds.render("{path|type}", {"type": "jwt"}, zeros) == "jwt"
    assert kinds.render("{path|type}", {"path": "/p/", "type": "jwt"}, zeros) == "p"
    assert kinds.render("vm-{number}", {}, zeros) == "vm-1000"


# Ids that the public image factory gives; the second stands in its documentation.
SCHEMATICS = {
    "": "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba",
    "{customization: {systemExtensions: {officialExtensions: [siderolabs/qemu-guest-agent]}}}": (
        "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515"
    ),
}


@pytest.mark.parametrize(("text", "expected"), SCHEMATICS.items())
def test_a_schematic_s_id_is_that_of_the_real_factory(text: str, expected: str) -> None:
    assert talos_config.schematic_id(text) == expected


def test_patches_merge_as_talos_merges_them() -> None:
    text = talos_config.patched(
        "machine: {type: worker, sysctls: {a: '1'}, certSANs: [k], gone: {b: 1}}",
        [
            "machine: {sysctls: {b: '2'}, certSANs: [l], gone: {$patch: delete}}",
            "- {op: add, path: /machine/certSANs/-, value: m}",
            "apiVersion: v1alpha1\nkind: TrustedRootsConfig\nname: ca",
        ],
    )
    assert text == (
        "machine:\n  certSANs:\n  - k\n  - l\n  - m\n  sysctls:\n    a: '1'\n    b: '2'\n  type: worker\n"
        "---\napiVersion: v1alpha1\nkind: TrustedRootsConfig\nname: ca\n"
    )
    with pytest.raises(StandInError, match=r"configPatches\[1\]"):
        talos_config.patched("a: 1", ["b: 2", "c: ["])
    with pytest.raises(StandInError, match=r"configPatches\[0\].*/no/such"):
        talos_config.patched("a: 1", ["- {op: remove, path: /no/such}"])


def test_a_stand_in_works_on_its_own_backend_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KADE_REHEARSAL", str(tmp_path))
    for backend in ("", "https://api.example", f"file://{tmp_path}", "s3://bucket"):
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
        with pytest.raises(StandInError, match="works only on a rehearsal's own backend"):
            Place.of_environment()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/backend?metadata=skip")
    (tmp_path / "key").write_text("k")
    assert Place.of_environment().workspace == tmp_path
    monkeypatch.delenv("KADE_REHEARSAL")
    with pytest.raises(StandInError):
        Place.of_environment()


def test_plain_takes_every_mark_off() -> None:
    assert plain({"a": Secret([Secret(1)])}) == {"a": [1]}
