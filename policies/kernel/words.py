"""The words that rules, findings and reports share."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a rule says about an object."""

    PASS = "pass"
    FAIL = "fail"
    UNDETERMINED = "undetermined"
    """Not known: a value is unknown, or somebody else decides. Never a pass."""
    NOT_APPLICABLE = "not_applicable"
    """There is nothing here that the rule looks at."""
    ERROR = "error"
    """The rule itself broke."""


class Evidence(StrEnum):
    """What a status rests on, from weak to strong."""

    DECLARED = "declared"
    """What the program asks for; nothing exists yet."""
    RENDERED = "rendered"
    """Manifests as they would be sent to the API server."""
    SIMULATED = "simulated"
    """Seen on stand-ins: never a reason to call a cluster compliant."""
    OBSERVED = "observed"
    """Seen on the real thing."""


class Severity(StrEnum):
    """How bad a fail is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Moment(StrEnum):
    """When is judged."""

    PREVIEW = "preview"
    """Before anything is applied (rendered manifests too)."""
    APPLIED = "applied"
    """After `pulumi up`: computed values are known, the cluster was not asked."""
    LIVE = "live"
    """On the running cluster."""


class Decidable(StrEnum):
    """Evidence class of a rule at a moment: what it can decide then."""

    YES = "decidable"
    PARTLY = "partly"
    """A fail is certain, a pass rests on a declaration that only the running cluster can prove."""
    NO = "no"
    TOOL = "tool"
    """Only the official checker itself can say."""


class About(StrEnum):
    """What a rule looks at."""

    MODEL = "model"
    """The machines, objects and services that are judged."""
    EXEMPTIONS = "exemptions"
    """What each exemption did in this run: known only after all other rules have spoken."""


class Source(StrEnum):
    """Where the model comes from."""

    PREVIEW = "preview"
    STATE = "state"
    MANIFESTS = "manifests"
    LIVE = "live"


class Enforcement(StrEnum):
    """What a fail does."""

    MANDATORY = "mandatory"
    """It stops the run."""
    ADVISORY = "advisory"
    """It is shown."""
    DISABLED = "disabled"
    """It is only written into the verdict; a Haven check keeps counting."""


class Format(StrEnum):
    """What the result is written as."""

    CONSOLE = "console"
    JSON = "json"
    HCC = "hcc"
    HTML = "html"
    JUNIT = "junit"
    CODE_QUALITY = "code_quality"
    SARIF = "sarif"
    MARKDOWN = "markdown"


class Listing(StrEnum):
    """What a list is written as."""

    CONSOLE = "console"
    JSON = "json"


class Stage(StrEnum):
    """How careful an environment is, in rising order."""

    SANDBOX = "sandbox"
    TEST = "test"
    ACCEPTANCE = "acceptance"
    PRODUCTION = "production"


class Layer(StrEnum):
    """The layers of a platform."""

    MACHINES = "machines"
    CLUSTER = "cluster"
    SERVICES = "services"
    TEAMS = "teams"


ALL_SOURCES = frozenset(Source)
WHOLE_CLUSTER = frozenset({Layer.MACHINES, Layer.CLUSTER, Layer.SERVICES})
"""The layers in which all 15 required Haven checks are decided."""
