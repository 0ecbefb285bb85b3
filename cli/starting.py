"""Starting an organisation of one's own: the example's files, a project file, and the schemas for editors."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from inputs.faults import Fault, FaultsError
from inputs.yaml import dump, load
from stacks.loading import PROJECT

EXAMPLE = PROJECT / "stacks" / "organisation"
SCHEMAS = ".schemas"
"""Folder of the schemas inside the organisation's folder. Running `kade init` again brings them up to date."""
_HEADER = re.compile(r"(?m)^(# yaml-language-server: \$schema=)\S*?([^/\s]+\.schema\.json)$")


def start(folder: Path) -> None:
    """Make an organisation's folder, or bring the schemas and nothing else of an existing one up to date.

    Raises:
        FaultsError: the folder holds something else.

    """
    if not folder.exists() or not any(folder.iterdir()):
        shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        _write_project(folder)
        print(f"{folder} holds a copy of the example: change its files, and `export KADE_HOME={folder.resolve()}`.")
    elif not (folder / "clusters").is_dir():
        what = "the folder holds something that is no organisation"
        raise FaultsError([Fault(str(folder), 0, "", what, "Name an empty folder, or one that does not exist.")])
    schemas = folder / SCHEMAS
    schemas.mkdir(exist_ok=True)
    for place in ("stacks", "policies"):
        for path in sorted((PROJECT / place / "schemas").glob("*.schema.json")):
            shutil.copyfile(path, schemas / path.name)
    for path in sorted(folder.rglob("*.yaml")):
        to = os.path.relpath(schemas, path.parent)
        text = path.read_text(encoding="utf-8")
        changed = _HEADER.sub(lambda found, to=to: f"{found[1]}{to}/{found[2]}", text)
        if changed != text:
            path.write_text(changed, encoding="utf-8")
    print(f"{schemas} holds the schemas of this version of Kade.")


def _write_project(folder: Path) -> None:
    """Write the project file: Kade's own with the paths from here, so that secrets are kept with the organisation."""
    project = load(PROJECT / "Pulumi.yaml").data
    project["main"] = os.path.relpath(PROJECT / "stacks", folder)
    project["stackConfigDir"] = "config"
    project["runtime"]["options"]["virtualenv"] = os.path.relpath(sys.prefix, folder)
    (folder / "Pulumi.yaml").write_text(dump(project), encoding="utf-8")
