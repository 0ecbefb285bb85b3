"""The seam with the SDK: one answer for all policies, from a model that is built once.

The SDK converts every resource again for every policy: 60 policies over 1,000 resources cost 11 seconds of it. So its
servicer is replaced by one of its own subclasses. The class is private: its version is pinned, a test holds the seam,
and where the class is not as expected, every policy runs the SDK's own way.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, cast

import grpc
import pulumi_policy.policy as sdk
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import StackValidationPolicy

from policies.kernel.finding import Finding
from policies.kernel.settings import Settings
from policies.kernel.words import Decidable, Enforcement, Moment, Status
from policies.pack import crossguard, telling
from policies.pack.run import Pack
from policies.reports import console

NAME = "kade"
_CLASS = "_PolicyAnalyzerServicer"
_PARAMETERS = ("self", "name", "version", "policies", "enforcement_level", "initial_config")
_METHODS = ("Analyze", "AnalyzeStack", "Remediate", "Configure", "ConfigureStack", "GetAnalyzerInfo")
_PRIVATE = ("_get_enforcement_level", "_get_policy_config", "_map_severity")


def fits() -> bool:
    """Whether the SDK's servicer is as this module knows it."""
    found: Any = getattr(sdk, _CLASS, None)
    if found is None or not all(hasattr(found, name) for name in (*_METHODS, *_PRIVATE)):
        return False
    return tuple(inspect.signature(found.__init__).parameters)[: len(_PARAMETERS)] == _PARAMETERS


def install(pack: Pack) -> None:
    """Let `PolicyPack` serve with our servicer."""
    setattr(sdk, _CLASS, servicer(pack))


def servicer(pack: Pack) -> type[Any]:
    """Return the servicer's class, bound to a pack."""
    base: Any = getattr(sdk, _CLASS)

    class Servicer(base):
        """Answers the engine for all policies at once."""

        def __init__(self, name: str, version: str, policies: list[StackValidationPolicy], *rest: Any) -> None:
            base.__init__(self, name, version, policies, *rest)
            self._kade_policies = {policy.name: policy for policy in policies}
            self._kade_version = version
            self._kade_dry_run = True
            self._kade_engine = ""

        def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            """Accept the engine, and keep its address."""
            self._kade_engine = request.engine_address
            return analyzer_pb2.AnalyzerHandshakeResponse()

        def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            """Learn the stack; refuse to go on with settings that are not valid."""
            response: Any = base.ConfigureStack(self, request, context)
            try:
                self._kade_dry_run = request.dry_run
                pack.begin(request.stack, request.project, dry_run=request.dry_run)
                self._kade_levels()
            except Exception as error:  # the engine must get an answer whatever happens
                context.abort(grpc.StatusCode.INTERNAL, f"the policy pack cannot begin: {_told(error)}")
            if pack.faults:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"the policy settings are not valid:\n{pack.faults}")
            return response

        def _kade_levels(self) -> None:
            """Give every policy the level that this stack's stage demands."""
            settings = pack.settings()
            for rule in pack.registry:
                self._kade_policies[rule.id].enforcement_level = crossguard.LEVELS[settings.enforcement(rule)]

        def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            """Only remember what the program asks for; everything is judged together at the end."""
            pack.remember(request.urn, request.properties)
            return proto.AnalyzeResponse()

        def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            """Change nothing: rules judge, they do not repair."""
            return proto.RemediateResponse()

        def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802  # gRPC's name
            """Judge the whole stack."""
            response = proto.AnalyzeResponse()
            try:
                if pack.faults:
                    self._kade_broken(response, f"The policy settings are not valid:\n{pack.faults}")
                    return response
                settings = self._kade_settings()
                verdict = pack.judge(request.resources, settings, dry_run=self._kade_dry_run)
            except Exception as error:  # a pack that dies silently would look like a pass
                self._kade_broken(response, f"The pack broke, so there is no verdict: {_told(error)}")
                return response
            for finding in verdict.findings:
                self._kade_report(response, finding, verdict.scope.moment)
            telling.tell(self._kade_engine, f"{verdict.summary.line}; report: {pack.report}")
            return response

        def _kade_settings(self) -> Settings:
            """Return the settings with what the engine was given on its command line."""
            own = pack.settings()
            forced: dict[str, Enforcement] = {}
            overrides: dict[str, dict[str, Any]] = {}
            for rule in pack.registry:
                level = crossguard.enforcement(self._get_enforcement_level(self._kade_policies[rule.id]))
                if level is not own.enforcement(rule):
                    forced[rule.id] = level
                config: Any = self._get_policy_config(rule.id)
                if config:
                    overrides[rule.id] = {name: _whole(value) for name, value in config.items()}
            return pack.settings(forced, overrides)

        def _kade_report(self, response: Any, finding: Finding, moment: Moment) -> None:
            if finding.status is Status.NOT_APPLICABLE:
                response.not_applicable.append(
                    proto.PolicyNotApplicable(policy_name=finding.rule, reason=finding.outcome.sentence)
                )
            elif finding.enforcement is not Enforcement.DISABLED and worth_telling(finding, pack, moment):
                subject = finding.outcome.subject
                self._kade_tell(
                    response, finding.rule, console.message(finding), finding.blocks, subject.urn if subject else ""
                )

        def _kade_broken(self, response: Any, text: str) -> None:
            self._kade_tell(response, crossguard.WRITTEN, text, blocks=True, urn="")

        def _kade_tell(self, response: Any, name: str, text: str, blocks: bool, urn: str) -> None:
            policy = self._kade_policies[name]
            response.diagnostics.append(
                proto.AnalyzeDiagnostic(
                    policyName=name,
                    policyPackName=NAME,
                    policyPackVersion=self._kade_version,
                    description=policy.description,
                    message=text,
                    urn=urn,
                    enforcementLevel=proto.MANDATORY if blocks else proto.ADVISORY,
                    severity=self._map_severity(policy.severity),
                )
            )

    return Servicer


def worth_telling(finding: Finding, pack: Pack, moment: Moment) -> bool:
    """Whether the console shows a finding: fails and errors, and open questions that somebody can close now.

    What only the official checker can say is counted in the summary; a line for each on every run would hide the rest.
    """
    if finding.status in (Status.FAIL, Status.ERROR):
        return True
    rule = pack.registry.find(finding.rule)
    return finding.status is Status.UNDETERMINED and (rule is None or rule.decidable[moment] is not Decidable.TOOL)


def policies(pack: Pack) -> list[StackValidationPolicy]:
    """Return all policies. Their own `validate` runs only where the seam does not fit."""
    fallback = _Fallback(pack)
    settings = pack.settings()
    found = [crossguard.policy(rule, settings, fallback.validator(rule.id)) for rule in pack.registry]
    return [crossguard.written(fallback.begin), *found]


class _Fallback:
    """The SDK's own way: each policy is called by itself, and the first one judges for all."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._findings: tuple[Finding, ...] = ()

    def begin(self, args: Any, report: Any) -> None:
        """Judge the stack; called first, as it is the first policy of the list."""
        from policies.pack.fallback import messages

        self._findings = ()
        if self._pack.faults:
            report(f"The policy settings are not valid:\n{self._pack.faults}", None)
            return
        try:
            self._pack.stack = None
            self._findings = self._pack.judge(messages(args.resources), self._pack.settings()).findings
        except Exception as error:  # as above
            report(f"The pack broke, so there is no verdict: {_told(error)}", None)

    def validator(self, rule: str) -> Any:
        """Return what reports the findings of one rule."""

        def validate(_args: Any, report: Any) -> None:
            for finding in self._of(rule):
                if finding.blocks or finding.status in (Status.FAIL, Status.ERROR):
                    subject = finding.outcome.subject
                    report(console.message(finding), subject.urn if subject and subject.urn else None)

        return validate

    def _of(self, rule: str) -> Iterator[Finding]:
        return (finding for finding in self._findings if finding.rule == rule)


def _told(error: Exception) -> str:
    """Return the kind of an error only: its text may hold a value, and a value may be secret."""
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror} ({error.filename})"
    frame = cast("Any", error.__traceback__)
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" in {frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame is not None else ""
    return f"{type(error).__name__}{where}"


def _whole(value: Any) -> Any:
    """Numbers come as fractions from the engine."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
