"""Write the JSON Schemas: `python -m policies.schemas`."""

from __future__ import annotations

from policies.rules import load
from policies.schemas import FOLDER, generate

for name, text in generate(load()).items():
    (FOLDER / name).write_text(text, encoding="utf-8")
