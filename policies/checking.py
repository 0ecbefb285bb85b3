"""`kade check`: judge one source, compare with a baseline, write one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from inputs.faults import Fault, FaultsError, shown
from policies.kernel.registry import Registry
from policies.kernel.verdict import Scope
from policies.kernel.words import Decidable, Enforcement, Format, Moment, Source, Stage, Status
from policies.pack import place
from policies.reports.document import FindingPart, VerdictDocument

if TYPE_CHECKING:
    from policies.sources.gathered import Gathered

_MOMENTS = {Source.MANIFESTS: Moment.PREVIEW, Source.STATE: Moment.APPLIED, Source.LIVE: Moment.LIVE}


class Outcome(IntEnum):
    """What a check comes to; the numbers are the exit codes of `kade`."""

    CLEAN = 0
    FINDINGS = 1
    BAD_INPUT = 2
    UNDETERMINED = 3
    RULE_BROKE = 4


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be checked, and how."""

    source: Source
    paths: tuple[Path | None, ...] = ()
    """Files and folders; `None` is standard input."""
    stack: str = ""
    """The stack that the objects belong to. Default: none, so it is not known which layers are here."""
    stage: Stage | None = None
    """Default: that of the stack's environment."""
    kubeconfig: Path | None = None
    """Default: `KUBECONFIG`, then the usual place."""
    context: str | None = None
    """Default: the current one."""
    probe: bool = False
    """Whether the live source may make a claim for a volume and remove it again."""
    strict: bool | None = None
    """Default: as the settings say."""
    rules: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    day: date | None = None
    """Default: today, or `KADE_AS_OF`."""
    baseline: Path | None = None


def check(request: Request, registry: Registry, environment: Mapping[str, str]) -> VerdictDocument:
    """Return the verdict on a source.

    Raises:
        FaultsError: every fault in settings, exemptions, baseline and request. What is wrong with the source itself
            stands in the document: the rest of it was judged.

    """
    from policies.reports import baseline

    earlier = baseline.read(request.baseline) if request.baseline else None
    chosen = registry.select(request.rules, request.frameworks)
    if request.source is Source.PREVIEW:
        found = _earlier_preview(request, chosen, environment)
    else:
        found = _judged(request, registry, chosen, environment)
    return baseline.compare(found, earlier) if earlier else found


def outcome(document: VerdictDocument) -> Outcome:
    """Return what a verdict comes to: the worst of what there is."""
    if any(finding.status is Status.ERROR for finding in document.findings):
        return Outcome.RULE_BROKE
    if document.faults:
        return Outcome.BAD_INPUT
    stopping = {finding.status for finding in document.findings if finding.blocks}
    if Status.FAIL in stopping:
        return Outcome.FINDINGS
    return Outcome.UNDETERMINED if stopping else Outcome.CLEAN


def render(document: VerdictDocument, format: Format) -> str:
    """Return the document in a format. Each report is loaded only when it is asked for."""
    from importlib import import_module

    names = {Format.CONSOLE: "text", Format.JSON: "json_report"}
    module = import_module(f"policies.reports.{names.get(format, format.value)}")
    return str(module.render(document))


def write(text: str, path: Path) -> None:
    """Write a report, whole or not at all.

    Raises:
        FaultsError: it cannot be written there.

    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        fault = Fault(
            shown(path), 0, "", f"it cannot be written ({type(error).__name__})", "Choose another `--output`."
        )
        raise FaultsError([fault]) from None


def _judged(request: Request, registry: Registry, chosen: Registry, environment: Mapping[str, str]) -> VerdictDocument:
    from policies.judging import judged
    from policies.kernel.exemption import read_exemptions
    from policies.kernel.settings import read_settings, resolve

    organisation = place.home(environment)
    day = request.day or place.today(environment)
    folder = organisation / "policies"
    settings_file = read_settings(folder / "settings.yaml", registry, place.ROOT)
    exemptions = read_exemptions(folder / "exemptions.yaml", registry, settings_file, place.ROOT)
    scope = _scope(request, organisation)
    settings = resolve(settings_file, registry, scope.stage, day)
    if request.strict is not None:
        settings = replace(settings, strict=request.strict)
    gathered = _gather(request)
    unseen = (*gathered.unseen, *_selection(request))
    return judged(
        gathered.inventory, scope, chosen, settings, exemptions, unseen=unseen, faults=gathered.faults
    ).document


def _gather(request: Request) -> Gathered:
    """Read the source. Each is loaded only when it is asked for: a client of Kubernetes costs more than all rules."""
    if request.source is Source.STATE:
        from policies.sources import state

        return state.read(_one(request.paths))
    if request.source is Source.LIVE:
        from policies.sources import live

        return live.read(request.kubeconfig, request.context, probe=request.probe)
    from policies.sources import manifests

    if not request.paths:
        remedy = "Name files or folders, or `-` for standard input."
        raise FaultsError([Fault("kade check", 0, "", "there is nothing to check", remedy)])
    return manifests.read(request.paths)


def _one(paths: Sequence[Path | None]) -> Path | None:
    if len(paths) > 1:
        remedy = "Give the file of one `pulumi stack export`."
        raise FaultsError([Fault("kade check", 0, "", "one state at a time", remedy)])
    return paths[0] if paths else None


def _scope(request: Request, organisation: Path) -> Scope:
    """Return what is judged: a stack that the organisation's files know, or objects of which nothing is known."""
    moment = _MOMENTS[request.source]
    if not request.stack:
        return Scope(stack=request.source.value, stage=request.stage, source=request.source, moment=moment)
    found = place.scope(request.stack, "", dry_run=True, organisation=organisation)
    stage = request.stage or found.stage
    # Of manifests a part may be given, so what is not there may be elsewhere: no layer is claimed to be whole.
    layers = None if request.source is Source.MANIFESTS else found.layers
    return replace(found, source=request.source, moment=moment, stage=stage, layers=layers)


def _selection(request: Request) -> tuple[str, ...]:
    chosen = (*request.rules, *request.frameworks)
    count = " The Haven count is that of the whole stack." if request.source is Source.PREVIEW else ""
    return (f"Only these rules were asked for: {', '.join(chosen)}.{count}",) if chosen else ()


def _earlier_preview(request: Request, chosen: Registry, environment: Mapping[str, str]) -> VerdictDocument:
    """Return the verdict of a stack's last preview, restricted to the rules that were chosen.

    Raises:
        FaultsError: no stack is named, it has no verdict, or something is asked that only a new preview can say.

    """
    from policies.reports import baseline

    if not request.stack:
        fault = Fault("--stack", 0, "", "no stack is named", "Say whose last preview is meant: `--stack NAME`.")
        raise FaultsError([fault])
    if request.day or request.stage:
        remedy = "Run `kade preview` again; `KADE_AS_OF` sets the day there."
        raise FaultsError([Fault("--as-of, --stage", 0, "", "a preview was judged when it was made", remedy)])
    path = place.out(environment) / request.stack / "verdict.json"
    if not path.exists():
        remedy = f"Run `kade preview {request.stack}` first, with `--rehearse` where there is nothing real yet."
        raise FaultsError([Fault(shown(path.parent, place.ROOT), 0, "", "there is no verdict", remedy)])
    found = baseline.read(path)
    ids = {rule.id for rule in chosen}
    strict = found.settings.strict if request.strict is None else request.strict
    decidable = {rule.id: rule.decidable[found.stack.moment] for rule in found.rules}
    findings = tuple(
        finding.model_copy(update={"blocks": _blocks(finding, decidable[finding.rule], strict=strict)})
        for finding in found.findings
        if finding.rule in ids
    )
    summary = found.summary.model_copy(
        update={
            "statuses": {s.value: sum(r.counts.get(s.value, 0) for r in found.rules if r.id in ids) for s in Status},
            "blocking": sum(finding.blocks for finding in findings),
            "exempted": sum(finding.exemption is not None for finding in findings),
        }
    )
    return found.model_copy(
        update={
            "findings": findings,
            "summary": summary,
            "rules": tuple(rule for rule in found.rules if rule.id in ids),
            "checks": tuple(check for check in found.checks if check.rule in ids),
            "settings": found.settings.model_copy(update={"strict": strict}),
            "unseen": (*found.unseen, *_selection(request)),
        }
    )


def _blocks(finding: FindingPart, decidable: str, *, strict: bool) -> bool:
    open_end = strict and decidable == Decidable.YES and finding.status in (Status.UNDETERMINED, Status.ERROR)
    bad = finding.status is Status.FAIL or open_end
    return bad and finding.enforcement is Enforcement.MANDATORY and finding.exemption is None
