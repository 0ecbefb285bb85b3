"""The file that says where the back ends listen: what is done with one that nobody can work with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rehearsal.backends import endpoints
from rehearsal.backends.endpoints import FILE, SCHEMA, Endpoints, EndpointsError

BROKEN = {
    "a list": ("[]", "is damaged"),
    "nothing": ("null", "is damaged"),
    "a word": ('"endpoints"', "is damaged"),
    "a number": ("3", "is damaged"),
    "half a file": ("{", "cannot be read"),
    "no text": (b"\xff", "cannot be read"),
    "another version": ("{}", "was written by another version"),
    "a part that is no mapping": (f'{{"schema": "{SCHEMA}", "vault": []}}', "was written by another version"),
}


@pytest.mark.parametrize(("content", "why"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_nobody_can_work_with_is_named_with_what_to_do(
    tmp_path: Path, content: str | bytes, why: str
) -> None:
    path = tmp_path / "production" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EndpointsError) as caught:
        endpoints.load(tmp_path / "production")
    assert re.match(rf"{re.escape(str(path))} {why}", str(caught.value))
    assert str(caught.value).endswith("Run `kade rehearse down production`, then start again.")


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    assert endpoints.load(tmp_path) is None
    found = Endpoints(tools="/tools", proxy="http://127.0.0.1:1")
    found.save(tmp_path)
    assert endpoints.load(tmp_path) == found
