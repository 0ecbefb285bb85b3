"""Set-up without a network: what is cached, what is refused, and what the messages say."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from rehearsal import setup
from rehearsal.toolchain import build, cache, download, engine, python_env
from rehearsal.toolchain.engine import Engine
from rehearsal.toolchain.progress import Progress, ToolchainError

ROOT = Path(setup.ROOT)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What set-up writes; its cache lies in `tmp_path`, and PATH holds nothing of this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return io.StringIO()


def command(folder: Path, name: str, text: str) -> Path:
    """Write a command."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder / name


def clone(folder: Path) -> Path:
    """Make a folder that looks like a clone to set-up."""
    for name in ("go.mod", "go.sum"):
        (folder / "rehearsal" / "engine").mkdir(parents=True, exist_ok=True)
        (folder / "rehearsal" / "engine" / name).write_bytes((ROOT / "rehearsal" / "engine" / name).read_bytes())
    (folder / "requirements.lock").write_text("")
    (folder / "pyproject.toml").write_text("")
    return folder


def test_an_old_python_is_refused_with_the_remedy() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path('rehearsal/setup.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Kade needs Python 3.11 or newer; this is 3.9" in done.stderr
    assert "PYTHON=" in done.stderr


def test_set_up_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; sys.path.insert(0, '.'); import rehearsal.setup; from rehearsal.toolchain import build, download"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_second_set_up_does_nothing_until_something_it_depends_on_changes(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, made = clone(tmp_path / "clone"), []
    cli = command(tmp_path / "elsewhere", "pulumi", "")

    def environment(folder: Path, progress: Progress) -> None:
        made.append("python")
        command(folder / ".venv" / "bin", "python", "")
        # What the real one does last: it remembers what the environment was made from.
        (folder / ".venv" / "kade-inputs").write_text(python_env._inputs(folder))

    def find(folder: Path, progress: Progress) -> Engine:
        made.append("cli")
        return Engine(cli, "3.246.0", "build")

    monkeypatch.setattr(python_env, "make", environment)
    monkeypatch.setattr(engine, "find", find)
    progress = Progress(out)
    for _ in range(2):
        assert setup.set_up(root, progress).path == cli
    assert sorted(made) == ["cli", "python"]
    setup.set_up_python(root, progress)
    assert len(made) == 2
    for change, expected in (
        (lambda: (root / "requirements.lock").write_text("new"), ["cli", "python"]),
        (lambda: (root / ".venv" / "bin" / "python").unlink(), ["cli", "python"]),
        (lambda: command(tmp_path / "path", "pulumi", ""), ["cli"]),
        (lambda: (root / "rehearsal" / "engine" / "go.sum").write_text(""), ["cli"]),
    ):
        made.clear()
        change()
        setup.set_up(root, progress)
        assert sorted(made) == expected
    (root / "pyproject.toml").write_text("new")
    made.clear()
    setup.set_up_python(root, progress)
    assert made == ["python"]
    cli.unlink()
    with pytest.raises(ToolchainError, match="make setup"):
        engine.installed(root)


def test_both_failures_are_told_and_nothing_is_remembered(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> None:
        raise ToolchainError(text)

    monkeypatch.setattr(python_env, "make", lambda *_: fail("no packages"))
    monkeypatch.setattr(engine, "find", lambda *_: fail("no compiler"))
    root = clone(tmp_path / "clone")
    with pytest.raises(ToolchainError, match=r"(?s)no packages.*no compiler"):
        setup.set_up(root, Progress(out))
    assert engine.read_stamp(root) is None


@pytest.mark.parametrize(
    ("version", "enough"),
    [("v3.246.0", True), ("3.246.1", True), ("v3.300.0", True), ("v4.0.0", True), ("v3.245.9", False), ("", False)],
)
def test_a_cli_must_be_new_enough(version: str, enough: bool) -> None:
    assert engine.new_enough(version) is enough


def test_a_cli_on_path_is_used_unless_it_is_too_old_or_this_clone_s_own_command(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone(tmp_path / "clone")
    own = command(root / ".kade" / "bin", "pulumi", "echo v9.0.0").parent
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
    new = command(tmp_path / "path", "pulumi", "echo v3.250.0")
    assert engine.find(root, Progress(out)) == Engine(new, "3.250.0", "path")
    command(tmp_path / "path", "pulumi", "echo v3.100.0")
    monkeypatch.setattr(download, "attempt", lambda target, progress: target.joinpath("pulumi").mkdir(parents=True))
    assert engine.find(root, Progress(out)).source == "download"
    assert "is version 3.100.0, older than 3.246.0: not used" in out.getvalue()


def test_without_a_go_compiler_the_message_says_what_was_tried_and_the_remedy(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone(tmp_path / "clone")
    monkeypatch.setattr(download, "CHECKSUMS", "file:///nowhere/checksums.txt")
    with pytest.raises(ToolchainError, match=r"(?s)official download failed.*Install Go 1.26.1 or newer"):
        engine.find(root, Progress(out))
    assert "tried, file:///nowhere/checksums.txt" in out.getvalue()
    command(tmp_path / "path", "go", "echo go1.22.0 linux amd64")
    with pytest.raises(ToolchainError, match=r"is go1\.22\.0; building the Pulumi CLI needs 1\.26\.1"):
        engine.find(root, Progress(out))


def test_a_build_that_fails_shows_its_last_words_and_leaves_no_entry(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone(tmp_path / "clone")
    monkeypatch.setattr(download, "attempt", lambda *_: "there is no network")
    go = 'case "$1" in env) echo go1.99.0 linux amd64 ;; *) echo "a.go:1: broken" >&2; exit 1 ;; esac'
    command(tmp_path / "path", "go", go)
    with pytest.raises(ToolchainError, match=r"(?s)exit code 1.*a.go:1: broken.*GOPROXY"):
        engine.find(root, Progress(out))
    folder = cache.cache_folder() / "engine"
    assert [entry.name for entry in folder.iterdir()] == ["lock"]
    go = 'case "$1" in env) echo go1.99.0 linux amd64 ;; *) while [ "$1" != -o ]; do shift; done; echo x > "$2" ;; esac'
    command(tmp_path / "path", "go", go)
    built = engine.find(root, Progress(out))
    assert built.source == "build"
    assert built.path.read_text() == "x\n"
    before = out.getvalue().count("Building")
    assert engine.find(root, Progress(out)) == built
    assert out.getvalue().count("Building") == before


def test_what_is_built_depends_on_modules_flags_and_compiler(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clone(tmp_path / "clone")
    command(tmp_path / "path", "go", "echo go1.99.0 linux amd64")
    keys = [build.key(root)]
    command(tmp_path / "path", "go", "echo go1.99.1 linux amd64")
    keys.append(build.key(root))
    (root / "rehearsal" / "engine" / "go.sum").write_text("other")
    keys.append(build.key(root))
    monkeypatch.setattr(build, "COMPILE", ())
    keys.append(build.key(root))
    assert len(set(keys)) == 4
    assert build.key(root) == keys[-1]


def test_the_version_that_is_built_is_the_one_that_is_downloaded() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine.VERSION}\n" in (build.modules(ROOT) / "go.mod").read_text()


def _published(folder: Path, content: bytes) -> str:
    """Write an archive as the official ones are, and return its checksum."""
    folder.mkdir()
    archive = folder / f"pulumi-v{engine.VERSION}-{download.platform()}.tar.gz"
    with tarfile.open(archive, "w:gz") as bundle:
        member = tarfile.TarInfo("pulumi/pulumi")
        member.size, member.mode = len(content), 0o755
        bundle.addfile(member, io.BytesIO(content))
    return hashlib.sha256(archive.read_bytes()).hexdigest()


@pytest.mark.parametrize("honest", [True, False])
def test_a_download_is_taken_only_with_the_published_checksum(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    digest = _published(tmp_path / "published", b"the cli")
    name = f"pulumi-v{engine.VERSION}-{download.platform()}.tar.gz"
    (tmp_path / "sums").write_text(f"{digest if honest else '0' * 64}  {name}\n{'1' * 64}  other.zip\n")
    monkeypatch.setattr(download, "ARCHIVES", f"file://{tmp_path / 'published'}")
    monkeypatch.setattr(download, "CHECKSUMS", f"file://{tmp_path / 'sums'}")
    target = cache.cache_folder() / "engine" / "official"
    refused = download.attempt(target, Progress(out))
    if honest:
        assert refused is None
        assert (target / "pulumi" / "pulumi").read_bytes() == b"the cli"
    else:
        assert refused is not None
        assert "its checksum is" in refused
        assert list(target.parent.iterdir()) == []


def test_a_host_that_does_not_answer_costs_no_more_than_the_patience(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.2)

    def late(*_: object, **__: object) -> None:
        time.sleep(1)
        raise OSError(110, "Connection timed out")

    monkeypatch.setattr("urllib.request.urlopen", late)
    refused = download.attempt(tmp_path / "never", Progress(out))
    assert refused is not None
    assert "no answer within" in refused


def test_entries_that_nobody_has_used_for_long_go_when_another_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    long_ago = time.time() - (cache.UNUSED_DAYS + 1) * 86400
    for name in ("old", "used", "recent"):
        (folder / name).mkdir(parents=True)
        (folder / name / "program").touch()
        if name != "recent":
            os.utime(folder / name, (long_ago, long_ago))
    (folder / "lock").touch()
    cache.entry(folder / "used", lambda _: pytest.fail("it is there"))
    assert (folder / "old").is_dir(), "nothing goes before something comes"
    cache.entry(folder / "new", lambda made: (made / "program").touch())
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "new", "recent", "used"]


def test_an_entry_is_whole_or_absent_and_what_killed_runs_left_is_swept(tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(ToolchainError, match=r"(?s)No space left on device.*Make room"):
        cache.entry(tmp_path / "c" / "e", broken)
    assert list((tmp_path / "c").iterdir()) == []
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / "c" / f".making-{ended.pid}-x").mkdir()
    (tmp_path / "c" / f".making-{os.getppid()}-y").mkdir()
    cache.entry(tmp_path / "c" / "e", lambda folder: (folder / "whole").touch())
    assert sorted(f.name for f in (tmp_path / "c").iterdir()) == [f".making-{os.getppid()}-y", "e"]


def test_two_set_ups_do_the_work_once(tmp_path: Path) -> None:
    out, made = io.StringIO(), []
    progress = Progress(out)

    def work() -> None:
        with cache.locked(tmp_path / "lock", progress, "this"):

            def make(folder: Path) -> None:
                made.append(folder)
                time.sleep(0.2)

            cache.entry(tmp_path / "entry", make)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert "Waiting for another set-up that is at work on this" in out.getvalue()


def test_without_venv_the_message_names_the_debian_package(
    tmp_path: Path, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolchainError, match="apt-get install -y python3-venv"):
        python_env.make(clone(tmp_path / "clone"), Progress(out))


def test_progress_says_what_why_and_how_long() -> None:
    out = io.StringIO()
    with Progress(out, every=0.05).step("Building", "there is none") as step:
        step.detail = "3 packages"
        time.sleep(0.2)
    lines = out.getvalue().splitlines()
    assert lines[0] == "Building (there is none) …"
    assert lines[1] == "Building: 0 s, 3 packages"
    assert lines[-1].startswith("Building: done after 0.")


def test_the_stamp_of_an_older_kade_is_no_stamp(tmp_path: Path) -> None:
    engine.stamp_file(tmp_path).parent.mkdir()
    for text in ("", "[]", '{"engine": {}}', json.dumps({"inputs": "", "on_path": "", "engine": {"path": "/nowhere"}})):
        engine.stamp_file(tmp_path).write_text(text)
        assert engine.read_stamp(tmp_path) is None
