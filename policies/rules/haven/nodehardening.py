"""haven-nodehardening: the nodes' operating system confines what breaks out of a container."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Outcome
from policies.kernel.rule import Parameters
from policies.kernel.words import Severity
from policies.model.model import Model
from policies.model.values import Unknown
from policies.rules.haven.counting import without_nodes
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import fails, passes, undetermined

BY_NAME = ("Talos", "Flatcar")
"""Systems that the checker accepts by their name."""
BY_DEFAULT = {
    "Ubuntu": "AppArmor",
    "Debian": "AppArmor",
    "SLES": "AppArmor",
    "RHEL": "SELinux",
    "Rocky Linux": "SELinux",
    "AlmaLinux": "SELinux",
    "Oracle Linux": "SELinux",
    "CentOS": "SELinux",
    "Fedora": "SELinux",
}
"""Systems that start with one of the accepted modules unless somebody switches it off."""


@haven(
    "nodehardening",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("8.09",),
    looks_at="The operating system of every node: a Talos configuration or an image from a Talos schematic, the "
    "guest type of a virtual machine, `osImage` of a Node object. Talos and Flatcar pass by name; a "
    "system that starts with AppArmor or SELinux passes unless a first-boot script switches it off.",
    fix="Use Talos or Flatcar, or leave AppArmor or SELinux switched on.",
)
def nodehardening(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look at each node's operating system."""
    beside = without_nodes(model)
    if beside is not None:
        yield beside
        return
    nodes = model.nodes.all
    switched_off = [node for node in nodes if node.hardening]
    for node in switched_off:
        sentence = f"{node.subject.name} switches the hardening of {node.system} off at first boot."
        path = "extraConfig.guestinfo.userdata"
        yield fails(node.subject, sentence, path=path, expected="AppArmor or SELinux on", actual=node.hardening)
    if switched_off:
        return
    objects = tuple(sorted(node.subject for node in nodes))
    families = sorted({node.system for node in nodes if isinstance(node.system, str)})
    other = [family for family in families if family not in BY_NAME and family not in BY_DEFAULT]
    unknown = [node.system for node in nodes if isinstance(node.system, Unknown)]
    silent = [node for node in nodes if node.system is None]
    if other or unknown or silent or not nodes:
        what = f"{', '.join(other)} is not known to start with it" if other else "the operating system is not known"
        sentence = f"Whether the nodes are hardened is open: {what}."
        yield undetermined(model.cluster, sentence, unknown, objects=objects)
        return
    modules = sorted({BY_DEFAULT[family] for family in families if family in BY_DEFAULT})
    notes = (f"{' and '.join(modules)} is on by default; that it is on is seen on the nodes.",) if modules else ()
    path = next((node.system_path for node in nodes if node.system_path), "")
    yield passes(
        model.cluster,
        f"Every node runs {' or '.join(families)}.",
        path=path,
        actual=", ".join(families),
        expected="Talos, Flatcar, AppArmor or SELinux",
        objects=objects,
        notes=notes,
    )
