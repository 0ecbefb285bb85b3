"""The loader reads YAML as the Kubernetes API server does, and knows where everything stands."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.faults import FaultsError
from inputs.yaml import documents, dump, load


def one(text: str):
    (document,) = documents(text, "file.yaml")
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-12", -12),
        ("0755", 493),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", float("inf")),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.36.3", "1.36.3"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("y", True),
        ("No", False),
        ("100m", "100m"),
        ("08", 8.0),
    ],
)
def test_reads_a_scalar_as_kubernetes_does(text: str, value: object) -> None:
    read = one(f"key: {text}\n").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_knows_the_line_of_every_key_and_item() -> None:
    document = one("a: 1\nb:\n  - x: 1\n  - x: 2\n    y: 3\n")
    assert document.line(("b", 1, "y")) == 5
    assert document.line(("b", 1)) == 4
    assert document.line(("b", 1, "absent")) == 4


def test_a_key_given_twice_is_a_fault_that_names_both_lines() -> None:
    document = one("spec:\n  a: 1\n  a: 2\n")
    (fault,) = document.faults
    assert (fault.line, fault.key) == (3, "spec.a")
    assert "line 2" in fault.what


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    data = one("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\nlist:\n  <<: [{a: 5}, {a: 6, c: 7}]\n").data
    assert data["use"] == {"a": 1, "b": 3}
    assert data["list"] == {"a": 5, "c": 7}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: [\n", 3, "not valid YAML"),
        ("a: *nowhere\n", 1, "no anchor"),
        ("a: &a\n  b: *a\n", 2, "no anchor"),
        ("a: !python/object x\n", 1, "unknown tag"),
        ("? [1]\n: 2\n", 1, "a key must be plain text"),
        ("a:\n  <<: 3\n", 2, "takes a mapping"),
    ],
)
def test_what_is_not_data_is_one_fault_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(FaultsError) as caught:
        list(documents(text, "file.yaml"))
    (fault,) = caught.value.faults
    assert fault.line == line
    assert words in fault.what


def test_a_file_that_is_missing_binary_or_holds_two_documents_is_one_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "two.yaml").write_text("a: 1\n---\nb: 2\n")
    for name, words in {"missing": "does not exist", "binary": "cannot be read", "two": "second document"}.items():
        with pytest.raises(FaultsError, match=words):
            load(tmp_path / f"{name}.yaml", tmp_path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_what_is_written_comes_back_the_same(data: object) -> None:
    assert one(dump({"data": data})).data == {"data": data}


@pytest.mark.parametrize("text", ["y", "No", "0E0", "08", "1_0", "0x1", "~", "", "2026-01-01", "a: b", "# c", "l\nm\n"])
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    """PyYAML alone writes some of these unquoted, and Kubernetes then reads a number or a truth value."""
    assert one(dump([text])).data == [text]


@given(plain)
def test_reading_without_places_gives_the_same_data(data: object) -> None:
    (document,) = documents(f"# comment\n---\n{dump({'data': data})}", "file.yaml", places=False)
    assert document.data == {"data": data}
    assert document.line(("data",)) == 3


def test_a_key_given_twice_is_told_without_places_as_well() -> None:
    (document,) = documents("a:\n  - b: 1\n  - b: 1\n    b: 2\n", "file.yaml", places=False)
    (fault,) = document.faults
    assert (fault.line, fault.key) == (4, "a[1].b")


def test_what_is_nested_deeper_than_python_recurses_is_read() -> None:
    deep = 9000
    data = one("[" * deep + "]" * deep).data
    for _ in range(deep - 1):
        (data,) = data
    assert data == []


def test_aliases_of_aliases_that_stand_for_more_than_memory_holds_are_a_fault() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(FaultsError, match="its aliases stand for more than"):
        one("\n".join(lines))
