"""A wrong value is one fault with file, line, key, what is wrong and what to write."""

from typing import Literal

import pytest
from pydantic import Field, model_validator

from inputs.faults import FaultsError
from inputs.validate import FileModel, RuleOfFile, RulesOfFile, parse
from inputs.yaml import documents


class Zone(FileModel):
    name: str
    failure_domain: str = "a"


class File(FileModel):
    node_count: int
    stage: Literal["test", "production"] = "test"
    zones: tuple[Zone, ...] = ()
    by_name: dict[str, Zone] = Field(default_factory=dict[str, Zone])

    @model_validator(mode="after")
    def _odd(self) -> "File":
        if self.node_count % 2 == 0:
            broken = [RuleOfFile("the number is even", "Write 1, 3 or 5.", ("nodeCount",))]
            broken += [RuleOfFile("a zone too many", "Remove it.", ("zones", i)) for i in range(2, len(self.zones))]
            raise RulesOfFile(broken)
        return self


def faults(text: str) -> list[str]:
    (document,) = documents(text, "file.yaml")
    with pytest.raises(FaultsError) as caught:
        parse(File, document)
    return [str(fault) for fault in caught.value.faults]


def test_an_unknown_key_names_the_nearest_one() -> None:
    (message,) = faults("nodeCount: 3\nzones:\n- name: a\n  failuredomain: x\n")
    assert message == "file.yaml:4: zones[0].failuredomain: there is no such key. Did you mean `failureDomain`?"


def test_an_unknown_key_without_a_near_one_lists_what_there_is() -> None:
    (message,) = faults("nodeCount: 3\nqqq: 1\n")
    assert "Keys here: byName, nodeCount, stage, zones." in message


def test_a_key_that_is_written_wrong_is_not_missing_as_well() -> None:
    (message,) = faults("nodeCont: 3\n")
    assert message == "file.yaml:1: nodeCont: there is no such key. Did you mean `nodeCount`?"


def test_a_missing_key_is_placed_at_its_owner() -> None:
    (message,) = faults("nodeCount: 3\nzones:\n- name: a\n- failureDomain: b\n")
    assert message == "file.yaml:4: zones[1].name: the key is missing. Add it."


def test_a_wrong_type_says_what_belongs_there_and_never_shows_the_value() -> None:
    (message,) = faults("nodeCount: hunter2\n")
    assert message.startswith("file.yaml:1: nodeCount: wrong value: it should be a valid integer")
    assert "hunter2" not in message


def test_a_choice_lists_the_possible_values() -> None:
    (message,) = faults("nodeCount: 3\nstage: prod\n")
    assert "'test' or 'production'" in message


def test_every_fault_is_reported_at_once() -> None:
    assert len(faults("nodeCount: x\nstage: prod\nzones: [{}]\nqqq: 1\n")) == 4


def test_every_broken_rule_of_a_validator_is_reported_at_its_line() -> None:
    messages = faults("nodeCount: 2\nzones:\n- name: a\n- name: b\n- name: c\n")
    assert messages == [
        "file.yaml:1: nodeCount: the number is even. Write 1, 3 or 5.",
        "file.yaml:5: zones[2]: a zone too many. Remove it.",
    ]


@pytest.mark.parametrize(("text", "words"), [("", "the file is empty"), ("- a\n", "should be a valid dictionary")])
def test_a_file_of_another_shape_is_one_fault(text: str, words: str) -> None:
    documents_ = list(documents(text or "~\n", "file.yaml"))
    with pytest.raises(FaultsError) as caught:
        parse(File, documents_[0])
    assert len(caught.value.faults) == 1
    assert words in str(caught.value)


def test_mappings_with_free_keys_keep_their_path() -> None:
    (message,) = faults("nodeCount: 3\nbyName:\n  one: {nme: a, name: b}\n")
    assert message == "file.yaml:3: byName.one.nme: there is no such key. Did you mean `name`?"
