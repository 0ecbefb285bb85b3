"""Check a document against a pydantic model, and say every fault where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from inputs.faults import Fault, FaultsError, nearest
from inputs.yaml import Document, Place, dotted

UNKNOWN = "there is no such key"
MISSING = "the key is missing"


class FileModel(BaseModel):
    """Base of every model of a file that people write.

    Unknown keys are typing mistakes, values never change after reading, keys are written in camelCase, and a value
    never shows in an error because it may be secret.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        alias_generator=lambda name: _camel(name),
    )


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


Model = TypeVar("Model", bound=BaseModel)


class RuleOfFile(ValueError):  # noqa: N818  # reads as what it is in a validator: `raise RuleOfFile(...)`
    """Raised in a model's validator: a value that is wrong together with others.

    `path` is where the fault stands below the model that raises; `remedy` is what to write instead.
    """

    def __init__(self, what: str, remedy: str, path: Place = ()) -> None:
        """Keep the parts, so that the message can name the line."""
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.path = path


class RulesOfFile(ValueError):  # noqa: N818  # see RuleOfFile
    """Raised in a model's validator with every rule that the values break, so that one run shows them all."""

    def __init__(self, rules: Sequence[RuleOfFile]) -> None:
        """Keep the broken rules."""
        super().__init__("; ".join(rule.what for rule in rules))
        self.rules = tuple(rules)


def faults_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Fault]:
    """Turn pydantic's errors into faults with file, line, key and remedy."""
    faults: list[Fault] = []
    for item in error.errors(include_url=False, include_input=False):
        path = _real_path(item["loc"], document.data)
        raised = item.get("ctx", {}).get("error")
        if isinstance(raised, RuleOfFile | RulesOfFile):
            for rule in raised.rules if isinstance(raised, RulesOfFile) else (raised,):
                faults.append(_fault(document, (*path, *rule.path), rule.what, rule.remedy))
            continue
        what, remedy = _worded(item["type"], item["msg"], item.get("ctx", {}), path, document, model)
        faults.append(_fault(document, path, what, remedy))
    return [fault for fault in faults if not _is_other_side(fault, faults)]


def _is_other_side(fault: Fault, faults: Sequence[Fault]) -> bool:
    """Whether a key is missing only because it is written wrong: one slip of the pen is one fault."""
    owner, _, name = fault.key.rpartition(".")
    return fault.what == MISSING and any(
        other.what == UNKNOWN and other.key.rpartition(".")[0] == owner and f"`{name}`" in other.remedy
        for other in faults
    )


def _fault(document: Document, path: Place, what: str, remedy: str) -> Fault:
    return Fault(document.file, document.line(path), dotted(path), what, remedy)


def _real_path(loc: Sequence[str | int], data: Any) -> Place:
    """Drop what pydantic adds to a path (names of union members, `[key]`), keep what stands in the file."""
    path: list[str | int] = []
    here: Any = data
    for index, part in enumerate(loc):
        if isinstance(here, dict) and part in here:
            here = cast("dict[Any, Any]", here)[part]
        elif isinstance(here, list) and isinstance(part, int) and part < len(cast("list[Any]", here)):
            here = cast("list[Any]", here)[part]
        elif isinstance(here, dict) and index == len(loc) - 1 and part != "[key]":
            path.append(part)  # a missing key: it stands nowhere, its owner does
            break
        else:
            continue
        path.append(part)
    return tuple(path)


def _worded(
    kind: str, message: str, context: dict[str, Any], path: Place, document: Document, model: type[BaseModel]
) -> tuple[str, str]:
    """Say pydantic's error in the words of a file, with a remedy."""
    if kind == "extra_forbidden":
        known = _keys_at(model, path[:-1])
        guess = nearest(str(path[-1]), known)
        return UNKNOWN, guess or (f"Keys here: {', '.join(known)}." if known else "Remove it.")
    if kind == "missing":
        return MISSING, "Add it."
    if kind in ("literal_error", "enum"):
        return "the value is not one of those possible", f"Write {context.get('expected', 'one of those listed')}."
    if document.data is None:
        return "the file is empty", f"Write at least: {', '.join(_required(model))}."
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should", "it should", 1)
    key = ".".join(part for part in path if isinstance(part, str))
    return f"wrong value: {text}", f"`kade explain {key}` says what belongs here."


def _required(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items() if field.is_required()]


def _keys_at(model: type[BaseModel], path: Place) -> list[str]:
    """Return the keys that the model has at a path, from its JSON Schema; empty where any key is allowed."""
    schema = model.model_json_schema(by_alias=True)
    here: dict[str, Any] = schema
    for part in path:
        here = _deref(here, schema)
        if isinstance(part, int):
            here = here.get("items", {})
        else:
            extra = here.get("additionalProperties")
            here = here.get("properties", {}).get(part) or (extra if isinstance(extra, dict) else {})  # pyright: ignore[reportUnknownVariableType]  # JSON
    return sorted(_deref(here, schema).get("properties", {}))


def _deref(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow `$ref` and take the object out of `anyOf` (an optional model)."""
    for option in node.get("anyOf", []):
        if "$ref" in option or "properties" in option:
            node = option
    ref = node.get("$ref")
    return schema.get("$defs", {}).get(ref.rsplit("/", 1)[-1], {}) if ref else node


def parse(model: type[Model], document: Document, context: Any = None) -> Model:
    """Return the document as a model.

    Raises:
        FaultsError: every fault that the model finds, each with its line.

    """
    try:
        return model.model_validate(document.data, context=context)
    except ValidationError as error:
        raise FaultsError(faults_of(error, document, model)) from None
