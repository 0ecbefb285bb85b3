"""A whole environment on back ends of this machine: every stack in order, then the live check beside the prediction."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from rehearsal import judging, official, proofs, run, runners, vault_setup
from rehearsal.backends import api, control, gitops, made_up
from rehearsal.backends.endpoints import Endpoints
from rehearsal.comparison import compare, read_table
from rehearsal.joining import Joint, join
from rehearsal.report import LayerResult, Proof, Rehearsed
from rehearsal.surroundings import site_of
from rehearsal.toolchain.engine import installed
from rehearsal.toolchain.progress import Progress
from rehearsal.workspace import STATES, Workspace, chosen_plugins, open_workspace
from stacks.loading import PROJECT, organisation
from stacks.names import parse_stack, stacks_of

LIFE_MINUTES = 240
"""How long back ends live unless told otherwise: a working morning, so that a forgotten rehearsal ends by itself."""


class RehearseError(Exception):
    """A rehearsal cannot go on; the text says where, and what the engine said last."""


def folder_of(environment: str) -> Path:
    """Return the folder of an environment's rehearsal."""
    return PROJECT / ".kade" / "rehearsals" / environment


@dataclass
class Rehearsal:
    """One environment's rehearsal while it runs."""

    environment: str
    workspace: Workspace
    endpoints: Endpoints
    stacks: tuple[str, ...]
    progress: Progress
    digest: str
    """Of the organisation's own files."""
    joint: Joint | None
    """Joins the layers by hand-over files; `None` where one program holds them all."""
    tokens: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """Login to OpenBao of the runner of each stack that has one."""
    phases: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def phase(self, name: str, why: str = "") -> Generator[None]:
        """Time a phase, and say that it runs."""
        began = time.monotonic()
        with self.progress.step(name, why):
            yield
        self.phases[name] = time.monotonic() - began

    # Before.

    def predict(self) -> None:
        """Preview every stack before anything is there; what that says is the prediction.

        Raises:
            RehearseError: a preview fails.

        """
        noted, digest = self.prediction.out / "inputs", self.digest
        if noted.is_file() and noted.read_text(encoding="utf-8") == digest:
            return  # the same files were previewed when nothing was there yet
        with self.phase("Predicting", "a preview of every stack, before any is up"):
            for stack in self.stacks:
                self.prediction.ensure_stack(stack)
            # Two at a time: a preview is one process of the engine that waits for one of Python.
            with ThreadPoolExecutor(2) as pool:
                done = list(pool.map(self._preview, self.stacks))
            for stack, update in zip(self.stacks, done, strict=True):
                if update.code:
                    raise _failed(self.prediction, stack, "preview", update.output)
        noted.write_text(digest, encoding="utf-8")

    def _preview(self, stack: str) -> run.Update:
        return run.preview(self.prediction, stack, capture=True)

    @cached_property
    def prediction(self) -> Workspace:
        """A workspace without back ends and state: what is up already must not show in a prediction."""
        return open_workspace(folder=self.workspace.folder / "prediction", out=self.workspace.out / "prediction")

    # The layers.

    def bring_up(self) -> list[LayerResult]:
        """Apply every stack in order; stop at the first that does not come up."""
        found: list[LayerResult] = []
        for stack in self.stacks:
            runners.credentials(self.workspace, self.endpoints, self.joint, stack, self.tokens.get(stack))
            with self.phase(stack):
                update = run.up(self.workspace, stack, capture=True)
            _log(self.workspace, stack, update.output)
            note = "" if update.code else self._handed_on(stack, update) or self.deliver(stack)
            found.append(
                LayerResult(
                    stack=stack,
                    seconds=update.seconds,
                    resources=update.resources,
                    changed=update.changed,
                    failed=bool(update.code),
                    note=note,
                )
            )
            if update.code:
                self.progress.say(str(_failed(self.workspace, stack, "up", update.output)))
                self.progress.say(self._gone())
                break
        return found

    def _gone(self) -> str:
        """Say which back ends went meanwhile, where that is why a layer failed."""
        status = control.status(self.workspace.folder)
        if not status.running:
            return (
                "The back ends have ended meanwhile: their time was over, or somebody ended them. Run the same command "
                "again; `--life` gives them more minutes."
            )
        if status.ended:
            names = ", ".join(row.name for row in status.ended)
            logs = " and ".join(f"`kade rehearse logs {row.name}`" for row in status.ended)
            return f"Ended meanwhile: {names}; {logs} may say why. Run the same command again: it starts them again."
        return "Mend that, then run the same command again: it goes on where this run has stopped."

    def _handed_on(self, stack: str, update: run.Update) -> str:
        """Write the hand-over of a layer that another runner builds on, where there is something new to say."""
        if self.joint is None or parse_stack(stack, organisation()).layer not in ("machines", "cluster"):
            return ""
        if not update.changed and (self.joint.files / f"{stack}.json").exists():
            return "the hand-over stands"
        self.joint.hand_over(stack)
        return "handed over, signed"

    def deliver(self, stack: str) -> str:
        """Let the GitOps player apply what a stack has rendered, and say what came of it."""
        folder = self.workspace.out / "gitops" / stack
        if not folder.is_dir():
            return self._filled()
        with self.phase(f"{stack}: delivery", "what the GitOps engine would apply"):
            done = gitops.sync(folder, self.endpoints, stack)
        for refusal in done.refused:
            self.progress.say(f"  refused: {refusal}")
        counts = {"created": done.created, "changed": done.changed, "pruned": done.pruned, "refused": len(done.refused)}
        said = ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "no changes"
        return f"delivered by the GitOps player: {done.total} objects, {said}"

    def carry_on(self, stack: str) -> None:
        """Bring into line what builds on a stack that was made anew, as its CI would.

        What it has rendered is delivered; new machines wait for their configurations, which the next layer sends.
        """
        self.deliver(stack)
        if self.joint is None or parse_stack(stack, organisation()).layer != "machines":
            return
        self.joint.hand_over(stack)
        following = self.stacks[self.stacks.index(stack) + 1]
        update = run.up(self.workspace, following, capture=True)
        if update.code:
            raise _failed(self.workspace, following, "up", update.output)
        self._handed_on(following, update)

    def _filled(self) -> str:
        """Write the secrets that people would have written, where Pulumi itself has applied what asks for them."""
        vault, kubernetes = self.endpoints.vault, self.endpoints.kubernetes
        if vault is None or kubernetes is None:
            return ""
        client = api.connect(Path(kubernetes.kubeconfig))
        asking = api.items(client.get(f"/apis/{made_up.API}/externalsecrets"), "items")
        kind = {"apiVersion": made_up.API, "kind": "ExternalSecret"}
        written = made_up.fill(vault, client, [{**kind, **api.mapping(one)} for one in asking])
        return f"{len(written)} secrets made up, as people would have written them" if written else ""

    # After.

    def known(self) -> bool:
        """Say whether a stack of this rehearsal has been made already."""
        return any(self.workspace.config.glob("Pulumi.*.yaml"))

    def judge(self, layers: list[LayerResult]) -> Rehearsed:
        """Try on the running back ends what can be tried, judge the cluster, and put that beside the prediction."""
        kubernetes = self.endpoints.kubernetes
        if kubernetes is None or any(layer.failed for layer in layers):
            return self._result(layers, ())
        with self.phase("Proofs", "by clients of their own"):
            tried = proofs.prove(self.environment, self.endpoints)
        with self.phase("Live check", "all rules on what the API server shows"):
            before, before_line = judging.predicted(self.environment, self.stacks, self.prediction.out)
            after, after_line = judging.live(Path(kubernetes.kubeconfig), self.environment, self.workspace.out / "live")
        checks = compare(before, after, read_table())
        return replace(self._result(layers, tried), checks=checks, predicted_line=before_line, live_line=after_line)

    def _result(self, layers: list[LayerResult], proofs: tuple[Proof, ...]) -> Rehearsed:
        return Rehearsed(
            environment=self.environment,
            engine=f"Pulumi CLI {self.workspace.cli}",
            plugins=_plugins(self.endpoints, official=self.workspace.official),
            layers=tuple(layers),
            proofs=proofs,
            phases=self.phases,
        )


def begin(
    environment: str,
    progress: Progress,
    *,
    life: int = LIFE_MINUTES,
    state: str | None = None,
    plugins: str | None = None,
) -> Rehearsal:
    """Start the back ends of an environment, or find them running, and return the rehearsal.

    Args:
        environment: its name.
        progress: says what takes long.
        life: minutes after which everything ends by itself.
        state: where Pulumi's state lies, one of `workspace.STATES`. Default: where it lies already, else the database.
        plugins: whose plugins work on the back ends, one of `workspace.PLUGINS`. Default: those that do already, else
            Kade's own.

    Raises:
        FaultsError: every fault in the organisation's files; there is no such environment.
        ToolchainError, BackendsError: a tool or a back end cannot be had; the text says what to do.
        RehearseError: the rehearsal is up with another place for its state.

    """
    files = organisation()
    site, stacks = site_of(files, environment), stacks_of(environment, files)
    official_ones: dict[str, Path] = {}
    if plugins is None and control.status(folder_of(environment)).running:
        plugins = chosen_plugins(folder_of(environment))
    if plugins == "official":
        site = replace(site, outside=True)
        official_ones = official.fetch(installed(PROJECT).path, progress)
    began = time.monotonic()
    endpoints = control.start(folder_of(environment), site, progress, life)
    workspace = open_workspace(folder=folder_of(environment), out=PROJECT / "out" / "rehearsals" / environment)
    _settle(workspace, environment, state)
    workspace.choose_plugins(official_ones)
    # Several stacks have several runners, in networks of their own perhaps: files join them, as in production.
    joint = join(workspace, files, site.cluster, always=True) if len(stacks) > 1 else None
    found = Rehearsal(environment, workspace, endpoints, stacks, progress, _digest(files.root), joint)
    found.phases["Back ends"] = time.monotonic() - began
    if endpoints.vault is not None and site.vault_address is not None:
        with found.phase("Setting up OpenBao", "as `kade vault init` does"):
            found.tokens = vault_setup.prepare(endpoints, files, environment).tokens
    return found


def _settle(workspace: Workspace, environment: str, state: str | None) -> None:
    """Choose where the state lies, once: it is not carried along.

    Raises:
        RehearseError: it lies elsewhere already.

    """
    chosen = workspace.chosen_state
    if chosen is None:
        workspace.choose_state(state or STATES[0])
    elif state not in (None, chosen):
        msg = (
            f"The state of this rehearsal lies in `{chosen}`, and would have to be carried to `{state}`. "
            f"Run `kade rehearse down {environment}` first, then start again with `--state {state}`."
        )
        raise RehearseError(msg)


@contextmanager
def alone(environment: str) -> Generator[None]:
    """Let one command at a time work on a rehearsal; the system lets go for one that is killed.

    Raises:
        RehearseError: another one is at work.

    """
    folder = folder_of(environment)
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"Another command works on the rehearsal of {environment}. Wait until it has ended, then try again."
            raise RehearseError(msg) from None
        yield
    finally:
        os.close(held)


def _digest(folder: Path) -> str:
    """Return a digest of all that a prediction follows from: the organisation's files, the program and the rules."""
    total = hashlib.sha256()
    parts = [(folder, "*.yaml"), *((PROJECT / name, "*.py") for name in ("components", "stacks", "policies"))]
    for root, pattern in parts:
        for path in sorted(root.rglob(pattern)):
            total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


def _plugins(endpoints: Endpoints, *, official: bool) -> dict[str, str]:
    kubernetes = endpoints.kubernetes
    whose = "the official plugin" if official else "Kade's plugin"
    return {
        "kubernetes": f"{whose} on a real API server {kubernetes.version if kubernetes else ''}".strip(),
        "vault": f"{whose} on a real OpenBao",
        "vsphere": f"{whose} on vcsim, which simulates a vCenter",
        "talos": "Kade's plugin: configurations made and checked by Talos' own machinery; nodes are played",
    }


def _log(workspace: Workspace, stack: str, output: str) -> Path:
    path = workspace.out / stack / "up.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(output, encoding="utf-8")
    return path


def _failed(workspace: Workspace, stack: str, operation: str, output: str) -> RehearseError:
    path = _log(workspace, stack, output)
    shown = "\n  ".join(run.errors(output)[:10])
    return RehearseError(f"The {operation} of {stack} failed:\n  {shown}\nEverything it said stands in {path}.")
