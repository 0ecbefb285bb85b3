"""Placeholders in an app's values."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.apps.placeholders import found, known, merge, resolve

BOUND = {"database.host": "db-rw", "database.port": 5432, "hostname": "app.voorbeeld.example"}


def test_a_text_that_is_one_placeholder_takes_its_type() -> None:
    assert resolve({"port": "${database.port}"}, BOUND) == {"port": 5432}


def test_inside_a_text_everything_is_text() -> None:
    assert resolve("redis://${database.host}:${database.port}/1", BOUND) == "redis://db-rw:5432/1"


def test_a_doubled_sign_stands_for_itself_and_kubernetes_own_form_is_left_alone() -> None:
    assert resolve("$${database.host} $(PASSWORD) $HOME", BOUND) == "${database.host} $(PASSWORD) $HOME"


def test_lists_and_mappings_are_resolved_all_the_way_down() -> None:
    assert resolve([{"a": ["${hostname}"]}, 1, None, True], BOUND) == [{"a": ["app.voorbeeld.example"]}, 1, None, True]


def test_what_stands_for_something_is_not_resolved_again() -> None:
    assert resolve("${a}", {"a": "${b}", "b": "reached"}) == "${b}"


@pytest.mark.parametrize("text", ["${HOME}", "${PATH}", "${__class__}", "${database}", "${ hostname }", "${}"])
def test_only_what_is_bound_is_replaced(text: str) -> None:
    assert "HOME" in os.environ
    with pytest.raises(KeyError):
        resolve(text, BOUND)


def test_each_placeholder_is_found_with_its_path() -> None:
    values = {"a": [{"b": "x ${one} ${two}"}], "c": "$${not}"}
    assert list(found(values)) == [(("a", 0, "b"), "one"), (("a", 0, "b"), "two")]


def test_placeholders_of_what_the_app_does_not_have_are_not_known() -> None:
    names = known(["cache"], ["mail"])
    assert {"cache.host", "cache.secret", "secrets.mail", "hostname"} <= set(names)
    assert "database.host" not in names


def test_mappings_are_merged_and_lists_are_replaced() -> None:
    assert merge({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}, "d": {"e": 1}}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"e": 1},
    }


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="ab {}()", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)


@given(PLAIN)
def test_values_without_placeholders_stay_as_they_are(value: object) -> None:
    assert resolve(value, {}) == value
