"""The services' documentation pages, made from their definitions: `python -m components.services.pages`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.services.catalogue import CATALOGUE, AnyService

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "services"
"""Where the pages stand."""


def page(service: AnyService) -> str:
    """Return the page of a service as Markdown."""
    return "\n".join([*_head(service), *_charts(service), *_settings(service), *_evidence(service), *_notes(service)])


def _head(service: AnyService) -> Iterator[str]:
    yield f"# {service.title}"
    yield ""
    yield service.summary
    yield ""
    yield f"- Name in the cluster file: `{service.name}`"
    yield f"- Category: {service.category}"
    why = f": {service.pod_security_reason}" if service.pod_security_reason else ""
    yield f"- Namespace: `{service.namespace}`, Pod Security `{service.pod_security}`{why}"
    if service.requires:
        yield f"- Requires: {_links(service.requires)}"
    if service.follows:
        yield f"- Comes after, where the cluster has them: {_links(service.follows)}"
    yield ""


def _links(names: tuple[str, ...]) -> str:
    return ", ".join(f"[{name}]({name}.md)" for name in names)


def _charts(service: AnyService) -> Iterator[str]:
    if not service.charts:
        return
    yield "## Versions"
    yield ""
    yield "| Chart | Version | From |"
    yield "|---|---|---|"
    for chart in service.charts:
        yield f"| {chart.name} | {chart.version} | <{chart.repository}> |"
    yield ""


def _settings(service: AnyService) -> Iterator[str]:
    yield "## Settings"
    yield ""
    rows = list(_rows(service.settings, ""))
    if not rows:
        yield "None: write `{}`."
    else:
        yield "| Key | Default | Meaning |"
        yield "|---|---|---|"
        yield from rows
    yield ""


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        nested = _model_in(field.annotation)
        default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        yield f"| `{key}` | {default} | {' '.join((field.description or '').split())} |"
        if nested:
            yield from _rows(nested, f"{key}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _shown(value: object) -> str:
    if value is None or value in ([], (), {}):
        return "none"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{item}`" for item in value)  # pyright: ignore[reportUnknownVariableType]  # any default
    return f"`{value}`"


def _evidence(service: AnyService) -> Iterator[str]:
    if not service.haven and not service.bio2:
        return
    yield "## What it serves"
    yield ""
    if service.haven:
        yield f"- Haven checks: {', '.join(f'`{check}`' for check in service.haven)}"
    if service.bio2:
        yield f"- BIO2 measures (evidence of design): {', '.join(service.bio2)}"
    yield ""


def _notes(service: AnyService) -> Iterator[str]:
    if service.notes:
        yield "## Good to know"
        yield ""
        yield from (f"- {note}" for note in service.notes)
        yield ""


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for service in CATALOGUE.values():
        (FOLDER / f"{service.name}.md").write_text(page(service), encoding="utf-8")
    print(f"{len(CATALOGUE)} pages in {FOLDER.name}/")


if __name__ == "__main__":
    main()
