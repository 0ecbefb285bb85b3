"""What a stand-in remembers of the objects it made: one small file each, never a secret in clear.

The engine's state says what the engine believes; this says what "exists". Both are needed: after a killed run an object
exists that the engine knows nothing of, and a refresh asks for what is really there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.plugins.values import Props, canonical, hide


@dataclass(frozen=True)
class Record:
    """One object that exists."""

    urn: str
    """Resource that made it."""
    type: str
    id: str
    """Id as the engine knows it."""
    nonce: str
    """Random, made once for each object; values that an official provider would make up follow from it."""
    made: str
    """When it was made, in UTC."""
    digest: str
    """Keyed digest of the inputs as they are."""
    revision: int
    """How often it was changed, counted from 1."""
    inputs: Props
    """Inputs with every secret replaced by a keyed digest."""


class Store:
    """The objects of one stack, as one provider sees them."""

    def __init__(self, folder: Path, key: bytes) -> None:
        """Use a folder, made on the first write; `key` is the rehearsal's random key for digests."""
        self._folder = folder
        self._key = key
        self._lock = threading.RLock()
        self._records: dict[str, Record] | None = None

    def _all(self) -> dict[str, Record]:
        if self._records is None:
            self._records = {}
            for path in sorted(self._folder.glob("*.json")):
                data = json.loads(path.read_text(encoding="utf-8"))
                key = data.pop("key")
                self._records[key] = Record(**data)
        return self._records

    def get(self, key: str) -> Record | None:
        """Return the object with this identity."""
        with self._lock:
            return self._all().get(key)

    def made_by(self, urn: str) -> list[tuple[str, Record]]:
        """Return identities and objects that a resource has made."""
        with self._lock:
            return [(key, record) for key, record in self._all().items() if record.urn == urn]

    def with_id(self, type_: str, id_: str) -> list[tuple[str, Record]]:
        """Return identities and objects of a type with an id."""
        with self._lock:
            return [(key, record) for key, record in self._all().items() if (record.type, record.id) == (type_, id_)]

    def put(self, key: str, urn: str, type_: str, id_: str, inputs: Props, nonce: str | None = None) -> Record:
        """Remember an object as it is now; an object that exists keeps its nonce and time, and is one revision on."""
        with self._lock:
            old = self._all().get(key)
            digest = self.digest(inputs)
            record = Record(
                urn, type_, id_, nonce or secrets.token_hex(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                digest, 1, hide(inputs, self.digest),
            )  # fmt: skip
            if old is not None:
                revision = old.revision + (old.digest != digest)
                record = replace(record, nonce=old.nonce, made=old.made, revision=revision)
            self._folder.mkdir(parents=True, exist_ok=True)
            write(self._path(key), json.dumps({"key": key, **asdict(record)}, indent=1, sort_keys=True))
            self._all()[key] = record
            return record

    def remove(self, key: str) -> None:
        """Forget an object; nothing happens where there is none."""
        with self._lock:
            self._path(key).unlink(missing_ok=True)
            self._all().pop(key, None)

    def digest(self, value: object) -> str:
        """Return a digest that cannot be guessed from outside: even a short password does not follow from it."""
        return "sha256:" + hmac.new(self._key, canonical(value).encode(), hashlib.sha256).hexdigest()

    def made_up(self, record: Record, what: str) -> bytes:
        """Return 32 bytes for a value that an official provider would make up: same object, same bytes."""
        return hmac.new(self._key, f"{record.nonce}/{what}".encode(), hashlib.sha256).digest()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all: a killed run or a full disk leaves no half file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
