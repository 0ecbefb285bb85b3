"""`python -m bench [rehearsal]`: run every benchmark, or one, and write docs/performance*.md."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import manifests, preview, rehearsal
from bench.measure import Timed

RESULT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
RUNS = 3


def main(only: Sequence[str]) -> int:
    """Measure, and write what was measured; `rehearsal` measures that alone."""
    with tempfile.TemporaryDirectory(prefix="kade-bench-") as name:
        print("a rehearsal of production …", flush=True)
        text = rehearsal.measure(Path(name))
    rehearsal.RESULT.write_text(text, encoding="utf-8")
    print(text)
    if "rehearsal" in only:
        return 0
    with tempfile.TemporaryDirectory(prefix="kade-bench-") as name:
        folder = Path(name)
        print("kade check against Checkov …", flush=True)
        against, growth = manifests.run(folder, RUNS)
        print("previews of 1,000 Deployments …", flush=True)
        previews = preview.run(folder, RUNS)
    text = page(against, growth, previews)
    RESULT.write_text(text, encoding="utf-8")
    print(text)
    return 0


def page(against: Sequence[Timed], growth: Sequence[Timed], previews: Sequence[Timed]) -> str:
    """Return the results as Markdown."""
    kade, checkov = against
    small, large = growth
    whole, trivial, _ = previews
    day = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    parts = [
        "# Performance",
        f"Written by `make bench` on {day} ({machine}). Whole processes, run in turns {RUNS} times each; seconds are "
        "least / median / most, memory is that of the command's own process. Ratios are of medians.",
        "## A preview with the whole pack",
        _table(previews),
        f"1,000 Deployments. Ratio to a pack of one trivial rule: **{whole.median / trivial.median:.2f}** (promised: "
        "at most 1.2).",
        "## `kade check` over manifests",
        _table(against),
        f"1,000 Deployments in one stream. Checkov takes **{checkov.median / kade.median:.1f}** times as long "
        "(promised: at least 5).",
        "## Growth",
        _table(growth),
        f"Ten times the objects take **{large.median / small.median:.1f}** times as long (promised: at most 11).",
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Timed]) -> str:
    return "\n".join(["| what | seconds | MB |", "|---|---|---|", *(row.row for row in rows)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
