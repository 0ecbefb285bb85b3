"""The rehearsal's own place on disk: project file, configuration, state, plugins, and the environment to run in.

Everything is made from what the repository holds and lies in one folder that git ignores (`.kade/rehearsal`), so
tracked files stay untouched. The project has the real one's name and program: URNs are equal.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rehearsal import official
from rehearsal.backends import endpoints
from rehearsal.install import PROJECT, install_commands, install_plugins, keep, secret_file
from rehearsal.toolchain.engine import installed

STATE_FILE = "state"
"""File that says where the state lies, where that is not the folder."""
STATES = ("postgres", "object_store")
"""Back ends that can hold the state."""
PLUGINS_FILE = "plugins"
"""File that says which plugins work on the back ends, where those are not Kade's own."""
PLUGINS = ("own", "official")
"""Whose plugins can work on the back ends."""

_DROPPED = (
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_STACK",
    "PYTHONDONTWRITEBYTECODE",
)
"""Variables that must not reach a rehearsal: credentials of real backends, and what makes Python start slowly."""


class RehearsalError(Exception):
    """Something about the rehearsal's place is wrong; the text says what to do."""


@dataclass(frozen=True)
class Workspace:
    """Where one rehearsal lies. `open_workspace` makes it."""

    root: Path
    """The project's root: where `stacks/`, `policies/` and `rehearsal/` are."""
    folder: Path
    """Everything that the rehearsal writes, except for `out`."""
    program: Path
    """Folder of the Pulumi program."""
    out: Path
    """Folder of the results, one folder a stack."""
    cli: Path
    """The Pulumi CLI."""
    pack: Path
    """Folder of the policy pack that every command enforces, where it holds one."""

    @property
    def project(self) -> Path:
        """Folder of the generated project file; commands run here."""
        return self.folder / "project"

    @property
    def config(self) -> Path:
        """Folder of the stacks' configuration files."""
        return self.project / "config"

    @property
    def backend(self) -> Path:
        """Folder of the state."""
        return self.folder / "backend"

    @property
    def home(self) -> Path:
        """`PULUMI_HOME`, where the stand-in plugins are installed."""
        return self.folder / ("home-official" if self.official else "home")

    @property
    def official(self) -> bool:
        """Say whether the official plugins work on the back ends, rather than Kade's own."""
        return chosen_plugins(self.folder) == "official"

    @property
    def bin(self) -> Path:
        """Folder of the commands, first on PATH."""
        return self.folder / "bin"

    @property
    def chosen_state(self) -> str | None:
        """Which of `STATES` holds the state; `None` where that is the folder `backend`."""
        return _noted(self.folder / STATE_FILE)

    @property
    def state(self) -> endpoints.State | None:
        """The database or the object store that holds the state; `None` where that is the folder `backend`."""
        chosen = self.chosen_state
        if chosen is None:
            return None
        ends = endpoints.load(self.folder)
        found = getattr(ends, chosen, None) if chosen in STATES else None
        if not isinstance(found, endpoints.State):
            msg = f"The state of this rehearsal lies in {chosen}, which does not run. Run `kade rehearse up`."
            raise RehearsalError(msg)
        return found

    def choose_state(self, kind: str) -> None:
        """Let the state lie in one of `STATES`, from now on; what lies elsewhere is not moved."""
        keep(self.folder / STATE_FILE, kind)

    def choose_plugins(self, official_ones: Mapping[str, Path]) -> None:
        """Work with these official plugins from now on, or with Kade's own where there are none."""
        keep(self.folder / PLUGINS_FILE, "official" if official_ones else "own")
        self.home.mkdir(parents=True, exist_ok=True)
        install_plugins(self)
        install_commands(self)
        official.install(self, official_ones)

    def state_environment(self) -> dict[str, str]:
        """Return the variables by which the engine finds its state and the key of the secrets in it."""
        state, ends = self.state, endpoints.load(self.folder)
        if state is None:
            # Else each file gets a neighbour for its attributes that is not written whole or not at all: a kill at the
            # wrong moment leaves that empty, and the engine then reads the state as "EOF".
            found = {"PULUMI_BACKEND_URL": f"file://{self.backend}?metadata=skip"}
        else:
            found = {"PULUMI_BACKEND_URL": state.url, **state.variables()}
        if ends is not None and ends.secrets is not None:
            found |= ends.secrets.variables()
        return found

    def credentials(self, stack: str) -> Path:
        """Return the file with what the runner of a stack is given: variables of its environment, as JSON."""
        return self.folder / "credentials" / f"{stack}.json"

    def given(self, stack: str) -> dict[str, str]:
        """Return what the runner of a stack is given; nothing where every stack has all it needs."""
        try:
            return json.loads(self.credentials(stack).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def environment(self, *, pack: bool = True, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment in which `pulumi` works on this rehearsal and on nothing else."""
        environment = dict(os.environ if base is None else base)
        for name in _DROPPED:
            environment.pop(name, None)
        environment |= {
            "KADE_OUT": str(self.out),
            "KADE_REHEARSAL": str(self.folder),
            "PATH": f"{self.bin}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}",
            **self.state_environment(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            # The option that writes the engine's events to a file is one of its debug commands.
            "PULUMI_DEBUG_COMMANDS": "true",
            # Else a missing plugin costs eight seconds of attempts to download it.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # A rehearsal's state is thrown away; its backups would cost a write of the whole state in every step.
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_HOME": str(self.home),
            # A rehearsal runs on the plugins that were chosen for it, whatever is installed here.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        ends = endpoints.load(self.folder) if self.official else None
        if ends is not None:
            environment |= official.variables(ends, self.folder)
        environment.pop("PULUMI_OPTION_POLICY_PACK", None)
        if pack and self.has_pack:
            environment["PULUMI_OPTION_POLICY_PACK"] = str(self.pack)
        return environment

    @property
    def has_pack(self) -> bool:
        """Say whether there is a policy pack to enforce."""
        return (self.pack / "PulumiPolicy.yaml").is_file()

    def has_stack(self, stack: str) -> bool:
        """Say whether a stack has been made."""
        if self.state is None:
            return (self.backend / ".pulumi" / "stacks" / PROJECT / f"{stack}.json").is_file()
        return (self.config / f"Pulumi.{stack}.yaml").is_file()  # made with the stack, which only `down` removes

    def ensure_stack(self, stack: str) -> None:
        """Make a stack with made-up values for the secrets that its layer declares; add those that are missing.

        Raises:
            RehearsalError: the name is no name of a stack.

        """
        if not self.has_stack(stack):
            if self.program == self.root / "stacks":
                _refuse_unknown(stack)
            self._quietly("stack", "init", stack, "--non-interactive", *self._secrets_provider())
        file = self.config / f"Pulumi.{stack}.yaml"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        declared = _declared_secrets(stack) if self.program == self.root / "stacks" else []
        missing = [name for name in declared if f"{PROJECT}:{name}:" not in text]
        if missing:
            known = self._known_secrets()
            values = [
                part for name in missing for part in ("--secret", f"{PROJECT}:{name}={known.get(name) or _made_up()}")
            ]
            self._quietly("config", "set-all", "--stack", stack, *values)
        elif file.exists():
            file.touch()  # the shell's `pulumi` looks again when the declared secrets are newer than this

    def _secrets_provider(self) -> tuple[str, ...]:
        ends = endpoints.load(self.folder)
        return ("--secrets-provider", ends.secrets.url) if ends is not None and ends.secrets is not None else ()

    def _known_secrets(self) -> dict[str, str]:
        """Return the declared secrets that a back end has given a value: the others are made up."""
        ends = endpoints.load(self.folder)
        if ends is None or ends.vcenter is None:
            return {}
        password = Path(ends.vcenter.password).read_text(encoding="utf-8").strip()
        return {
            **dict.fromkeys(("vcenterUser", "vcenterClusterUser"), ends.vcenter.user),
            **dict.fromkeys(("vcenterPassword", "vcenterClusterPassword"), password),
        }

    def _quietly(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.cli), *arguments],
            cwd=self.project, env=self.environment(pack=False), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            msg = f"`pulumi {' '.join(arguments[:2])}` failed: {(done.stderr or done.stdout).strip()}"
            raise RehearsalError(msg)


def chosen_plugins(folder: Path) -> str:
    """Return whose plugins work in a rehearsal's folder, one of `PLUGINS`."""
    return _noted(folder / PLUGINS_FILE) or "own"


def _noted(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _refuse_unknown(stack: str) -> None:
    """Refuse a stack that the organisation has no place for, so that a slip of the pen makes none.

    Raises:
        RehearsalError: the name fits nothing; the text lists what fits.

    """
    from inputs.faults import FaultsError
    from stacks import loading, names

    organisation = loading.organisation()
    if stack in names.stack_names(organisation):
        return
    try:
        names.parse_stack(stack, organisation)
    except FaultsError as error:
        raise RehearsalError(str(error)) from None


def _made_up() -> str:
    return f"made-up-{secrets.token_hex(12)}"


def _declared_secrets(stack: str) -> list[str]:
    """Return the names of the secrets that a stack's layer declares; none where the program declares none."""
    if importlib.util.find_spec("stacks.credentials") is None or importlib.util.find_spec("stacks.names") is None:
        return []
    # Imported late: a rehearsal of another program does not need them, and the shell starts faster.
    from inputs.faults import FaultsError
    from stacks import credentials as declared
    from stacks import loading, names

    try:
        layer = names.parse_stack(stack, loading.organisation()).layer
    except FaultsError:
        return []  # the program will say what is wrong with the name, and everything else about it
    if layer in declared.SECRETS:
        return [secret.name for secret in declared.SECRETS[layer]]
    return sorted({secret.name for layers in declared.SECRETS.values() for secret in layers})


def open_workspace(
    root: Path | None = None,
    *,
    folder: Path | None = None,
    program: Path | None = None,
    out: Path | None = None,
    pack: Path | None = None,
) -> Workspace:
    """Make the rehearsal's place, or bring it up to date, and return it. Changes nothing that is right already.

    Args:
        root: the project's root; by default the one that this module lies in.
        folder: where to write; by default `.kade/rehearsal` below the root.
        program: the Pulumi program; by default `stacks` below the root.
        out: the results; by default `$KADE_OUT`, or `out` below the root.
        pack: the policy pack; by default `policies` below the root.

    Raises:
        ToolchainError: set-up has not run.

    """
    root = (root or Path(__file__).parent.parent).resolve()
    engine = installed(root)
    workspace = Workspace(
        root=root,
        folder=(folder or root / ".kade" / "rehearsal").resolve(),
        program=(program or root / "stacks").resolve(),
        out=(out or Path(os.environ.get("KADE_OUT") or root / "out")).resolve(),
        cli=engine.path,
        pack=(pack or root / "policies").resolve(),
    )
    for made in (workspace.config, workspace.backend, workspace.home, workspace.bin):
        made.mkdir(parents=True, exist_ok=True)
    secret_file(workspace.folder / "passphrase", secrets.token_urlsafe(32))
    secret_file(workspace.folder / "key", secrets.token_hex(32))
    keep(workspace.project / "Pulumi.yaml", _project_file(workspace))
    keep(workspace.folder / "workspace.json", json.dumps({k: str(v) for k, v in asdict(workspace).items()}, indent=1))
    install_plugins(workspace)
    install_commands(workspace)
    return workspace


def load_workspace(folder: Path) -> Workspace:
    """Return a rehearsal's place as it was made, changing nothing; for a command that is run from inside it.

    Raises:
        RehearsalError: there is none.

    """
    try:
        known: dict[str, str] = json.loads((folder / "workspace.json").read_text(encoding="utf-8"))
        return Workspace(**{name: Path(value) for name, value in known.items()})
    except (OSError, ValueError, TypeError):
        msg = f"{folder} holds no rehearsal. Leave this shell and run `make shell` again."
        raise RehearsalError(msg) from None


def _project_file(workspace: Workspace) -> str:
    program = os.path.relpath(workspace.program, workspace.project)
    environment = os.path.relpath(sys.prefix, workspace.project)
    return (
        "# Made by Kade for a rehearsal; written again when it differs. The real one is in the project's root.\n"
        f"name: {PROJECT}\n"
        "description: Rehearsal on stand-ins; nothing real is made\n"
        f"runtime: {{name: python, options: {{toolchain: pip, virtualenv: {json.dumps(environment)}}}}}\n"
        f"main: {json.dumps(program)}\n"
        "stackConfigDir: config\n"
        'config: {"pulumi:disable-default-providers": {value: ["*"]}}\n'
    )
