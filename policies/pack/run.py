"""One run of the pack: from the engine's messages to a verdict and its files. Knows no gRPC."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from inputs.faults import FaultsError
from policies.judging import judged
from policies.kernel.exemption import Exemption, read_exemptions
from policies.kernel.registry import Registry
from policies.kernel.settings import Settings, SettingsFile, read_settings, resolve
from policies.kernel.verdict import Scope, Verdict
from policies.kernel.words import Enforcement
from policies.model.resource import Inventory
from policies.pack import place
from policies.reports import evidence, json_report
from policies.reports.document import VerdictDocument
from policies.sources.preview import inventory
from policies.sources.wire import Struct

UNSEEN = "What this run deletes, keeps on purpose or leaves out by a target was not judged."
FILES = ("verdict.json", "evidence.json", "report.html")


@dataclass
class Pack:
    """The state of one run."""

    registry: Registry
    organisation: Path
    out: Path
    day: date
    settings_file: SettingsFile = field(default_factory=SettingsFile)
    exemptions: tuple[Exemption, ...] = ()
    faults: str = ""
    """What is wrong with the settings or exemptions; empty where nothing is."""
    stack: Scope | None = None
    inputs: dict[str, Struct] = field(default_factory=dict[str, Struct])
    """What the program asked for, by URN: providers may leave it out of what they say of a resource."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def start(registry: Registry, environment: Mapping[str, str] = os.environ) -> Pack:
        """Read settings and exemptions; their faults are kept, to be told when the run begins."""
        organisation = place.home(environment)
        pack = Pack(registry, organisation, place.out(environment), datetime.now(UTC).date())
        folder = organisation / "policies"
        try:
            pack.day = place.today(environment)
            pack.settings_file = read_settings(folder / "settings.yaml", registry, place.ROOT)
            pack.exemptions = read_exemptions(folder / "exemptions.yaml", registry, pack.settings_file, place.ROOT)
        except FaultsError as error:
            pack.faults = str(error)
        return pack

    def begin(self, stack: str, project: str, *, dry_run: bool) -> Scope:
        """Learn the stack, and remove what an earlier run wrote: an old verdict must not outlive a failed run."""
        stand_ins = bool(os.environ.get("KADE_REHEARSAL"))
        found = place.scope(stack, project, dry_run=dry_run, organisation=self.organisation, stand_ins=stand_ins)
        self.stack = found
        self.inputs.clear()
        for name in FILES:
            (self.folder / name).unlink(missing_ok=True)
        return found

    @property
    def folder(self) -> Path:
        """Where this stack's files go."""
        return self.out / (self.stack.stack if self.stack else "unknown")

    @property
    def report(self) -> str:
        """The report's path, as short as the reader's folder allows."""
        path = self.folder / "report.html"
        return str(path.relative_to(place.ROOT)) if path.is_relative_to(place.ROOT) else str(path)

    def settings(
        self, forced: Mapping[str, Enforcement] | None = None, overrides: dict[str, dict[str, Any]] | None = None
    ) -> Settings:
        """Return the settings of this stack's stage, with what was given with the run."""
        stage = self.stack.stage if self.stack else None
        found = resolve(self.settings_file, self.registry, stage, self.day, overrides)
        return replace(found, forced=dict(forced or {}))

    def remember(self, urn: str, properties: Struct) -> None:
        """Keep what the program asked for."""
        with self._lock:
            self.inputs[urn] = properties

    def judge(self, resources: Iterable[Any], settings: Settings, *, dry_run: bool = True) -> Verdict:
        """Judge the engine's resources, and write the files.

        Raises:
            OSError: the files cannot be written.

        """
        messages = sorted(resources, key=lambda message: message.urn)
        if self.stack is None:  # an engine that does not say the stack: every URN does
            self.begin(*_named(messages), dry_run=dry_run)
        return self.judge_inventory(inventory(messages, self.inputs), settings)

    def judge_inventory(self, found: Inventory, settings: Settings) -> Verdict:
        """Judge an inventory, and write the files."""
        stack = self.stack or Scope(stack="unknown")
        result = judged(found, stack, self.registry, settings, self.exemptions, unseen=(UNSEEN,))
        self._write(result.document, result.facts)
        return result.verdict

    def _write(self, written: VerdictDocument, facts: Mapping[str, Any]) -> None:
        from policies.reports import html  # templates cost time that the start of the pack has not

        self.folder.mkdir(parents=True, exist_ok=True)
        run = written.run.model_dump(mode="json", by_alias=True)
        stack = written.stack.model_dump(mode="json", by_alias=True)
        texts = {
            "evidence.json": evidence.render(facts, run, stack),
            "report.html": html.render(written),
            "verdict.json": json_report.render(written),  # last: who finds it finds the others too
        }
        for name, text in texts.items():
            part = self.folder / f".{name}.part"
            part.write_text(text, encoding="utf-8")
            part.replace(self.folder / name)


def _named(messages: list[Any]) -> tuple[str, str]:
    """Return stack and project from a URN: `urn:pulumi:<stack>::<project>::…`."""
    urn = messages[0].urn if messages else ""
    parts = urn.split("::")
    return (parts[0].rpartition(":")[2], parts[1]) if len(parts) > 2 else ("unknown", "")
