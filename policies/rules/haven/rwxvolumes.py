"""haven-rwxvolumes: a volume that several nodes write can be had."""

from __future__ import annotations

from collections.abc import Iterator

from policies.kernel.finding import Fix, Outcome, Subject
from policies.kernel.rule import Parameters
from policies.kernel.words import Layer, Severity
from policies.model.known import BLOCK_PROVISIONERS, RWX_BRINGERS, RWX_PROVISIONERS, VSPHERE_PROVISIONER
from policies.model.model import Model
from policies.model.storage import StorageClass
from policies.model.values import Unknown
from policies.rules.haven.shared import DECLARED, haven
from policies.rules.outcomes import absent, fails, passes, undetermined

_LIVE = "That a claim is really bound is seen on the running cluster: the checker may ask for a volume and wait."
_FIX = Fix(
    text="Add a storage class for volumes of several writers, such as the service `rwx-storage`.",
    path="services.rwx-storage",
)


@haven(
    "rwxvolumes",
    severity=Severity.HIGH,
    decidable=DECLARED,
    bio2=("8.14",),
    looks_at="Storage classes and their provisioner, and whether the driver of that provisioner is installed. "
    "Known file systems of several writers pass; block storage does not. vSphere's own driver makes file "
    "volumes only with the file services of vSAN, which no program shows: that stays open.",
    fix="Add a storage class whose provisioner makes volumes for several writers.",
)
def rwxvolumes(model: Model, _parameters: Parameters) -> Iterator[Outcome]:
    """Look for a storage class that can do it, and for its driver."""
    proven = sorted(name for name, bound in model.tried_claims.items() if bound is True)
    if proven:
        subject = Subject("StorageClass", proven[0])
        sentence = f"A volume for several writers was made by the class `{proven[0]}`."
        yield passes(subject, sentence, path="bound", expected=True, actual=True, objects=(subject,))
        return
    unproven = [bound for bound in model.tried_claims.values() if isinstance(bound, Unknown)]
    if unproven:
        yield undetermined(model.cluster, "No class that was tried made a volume for several writers.", unproven)
        return
    held = model.holds(Layer.SERVICES)
    classes = model.storage_classes
    bringers = model.service(*RWX_BRINGERS)
    if held is False or (not classes and not bringers):
        yield absent(
            model,
            Layer.SERVICES,
            "No storage class for several writers is declared",
            path="StorageClass.provisioner",
            fix=_FIX,
        )
        return
    able = [item for item in classes if isinstance(item.provisioner, str) and item.provisioner in RWX_PROVISIONERS]
    ready = [item for item in able if _driver(model, item)]
    notes = (*_claims(model, able), _LIVE)
    if ready or bringers:
        subject = ready[0].subject if ready else bringers[0].subject
        what = str(ready[0].provisioner) if ready else bringers[0].name
        objects = tuple(sorted({item.subject for item in ready} | {service.subject for service in bringers}))
        yield passes(
            subject,
            f"{what} makes volumes for several writers.",
            path="provisioner",
            expected="a provisioner for several writers",
            actual=what,
            objects=objects,
            notes=notes,
        )
        return
    if able:
        yield _without_driver(model, able[0], held)
        return
    yield _others(model, classes, notes)


def _driver(model: Model, item: StorageClass) -> bool:
    """Whether the program that makes the class's volumes is here; a cloud's own needs none."""
    bringer = RWX_PROVISIONERS[str(item.provisioner)]
    return not bringer or bool(model.service(bringer))


def _without_driver(model: Model, item: StorageClass, held: bool | None) -> Outcome:
    driver = RWX_PROVISIONERS[str(item.provisioner)]
    sentence = f"The class `{item.subject.name}` needs the {driver}, which is not declared here."
    if held is None:
        delegate = "" if model.gaps else "the cluster's other stacks"
        return undetermined(item.subject, sentence, model.gaps, delegate=delegate)
    fix = Fix(text=f"Install the {driver}.", path="services.rwx-storage")
    return fails(item.subject, sentence, path="provisioner", expected=f"{driver} installed", actual="absent", fix=fix)


def _others(model: Model, classes: tuple[StorageClass, ...], notes: tuple[str, ...]) -> Outcome:
    """Decide where no known file system is there."""
    objects = tuple(sorted(item.subject for item in classes))
    unknown = [item.provisioner for item in classes if isinstance(item.provisioner, Unknown)]
    vsphere = [item for item in classes if item.provisioner == VSPHERE_PROVISIONER]
    open_end = [item for item in vsphere if item.file_system == "nfs4" or isinstance(item.file_system, Unknown)]
    if open_end:
        sentence = "File volumes of vSphere need the file services of vSAN, which no program shows."
        return undetermined(
            open_end[0].subject, sentence, unknown, delegate="the vCenter", objects=objects, notes=notes
        )
    blocks = {*BLOCK_PROVISIONERS, VSPHERE_PROVISIONER}
    strange = [item for item in classes if isinstance(item.provisioner, str) and item.provisioner not in blocks]
    if unknown or strange:
        sentence = "Whether the provisioner can do it is not known."
        gaps = [
            *unknown,
            *(
                Unknown("provisioner", f"`{i.provisioner}` is not in the list of provisioners", i.subject)
                for i in strange
            ),
        ]
        return undetermined(model.cluster, sentence, gaps, objects=objects, notes=notes)
    found = ", ".join(sorted({str(item.provisioner) for item in classes}))
    sentence = "Only block storage is declared: its volumes have one writer."
    return fails(
        model.cluster,
        sentence,
        path="provisioner",
        expected="a provisioner for several writers",
        actual=found,
        fix=_FIX,
        objects=objects,
        notes=notes[:-1],
    )


def _claims(model: Model, able: list[StorageClass]) -> tuple[str, ...]:
    """Return sentences on claims that no class can serve."""
    names = {item.subject.name for item in able}
    wrong = [c for c in model.shared_claims if isinstance(c.storage_class, str) and c.storage_class not in names]
    return tuple(
        f"{claim.subject} asks for several writers from the class `{claim.storage_class}`, which has none."
        for claim in sorted(wrong, key=lambda claim: claim.subject)
    )
