"""What the parts see: the objects of some kinds, kept by watching the API server; and when each part is asked."""

from __future__ import annotations

import heapq
import queue
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from rehearsal.backends.api import ApiError, Client, Object, dig, items
from rehearsal.backends.endpoints import Endpoints
from rehearsal.backends.site import Site

KindName = tuple[str, str]
"""API version and kind, for example `("v1", "Secret")`."""
Key = tuple[str, str]
"""Namespace (empty for objects without one) and name."""

PLAYED = "played by the rehearsal"
"""Stands in every status, event and annotation that no real controller wrote."""
PLAYED_BY = {"kade/played-by": "rehearsal"}
"""Annotation of every object that no real controller made."""
MANAGER = "kade-player"
"""Field manager of what is made here."""

_AGAIN = 1.0
"""Seconds until the API server is asked again after it was gone."""
_NO_KIND = 5.0
"""Seconds until it is asked again for a kind that it does not have."""
_LONGEST = 8.0
"""Most seconds between two tries of something that fails."""


class Part(Protocol):
    """One controller that is played."""

    @property
    def name(self) -> str:
        """What it plays, for the log."""
        ...

    @property
    def kinds(self) -> Sequence[KindName]:
        """Kinds whose objects it is asked about, each time one changes."""
        ...

    @property
    def looks_at(self) -> Sequence[KindName]:
        """Kinds that it reads besides; when an object of one changes, it is asked about all its own again."""
        ...

    def play(self, world: World, thing: Object) -> float | None:
        """Do what the controller would do about an object, as often as it is asked.

        Returns the seconds after which it wants to be asked again, or `None`.

        Raises:
            ApiError: the API server refused; it is asked again later.

        """
        ...


@dataclass
class World:
    """The objects, and the ways to the back ends."""

    client: Client
    endpoints: Endpoints
    site: Site
    objects: dict[KindName, dict[Key, Object]] = field(default_factory=dict[KindName, dict[Key, Object]])

    def get(self, kind: KindName, namespace: str, name: str) -> Object | None:
        """Return an object, as it was last seen. Its kind must be one that some part watches."""
        return self.objects[kind].get((namespace, name))

    def all(self, kind: KindName) -> list[Object]:
        """Return all objects of a kind that some part watches, as they were last seen."""
        return list(self.objects[kind].values())

    def event(self, thing: Object, reason: str, message: str) -> None:
        """Write a warning about an object, as controllers do; once while it stays the same. Raises ApiError."""
        namespace = str(dig(thing, "metadata", "namespace") or "default")
        name = f"{dig(thing, 'metadata', 'name')}.{reason.lower()}"
        now = stamp()
        self.client.apply(
            f"/api/v1/namespaces/{namespace}/events/{name}",
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": {key: thing[key] for key in ("apiVersion", "kind")}
                | {key: dig(thing, "metadata", key) for key in ("name", "namespace", "uid")},
                "type": "Warning",
                "reason": reason,
                "message": f"{message} ({PLAYED})",
                "source": {"component": MANAGER},
                "lastTimestamp": now,
            },
            MANAGER,
        )


def stamp(seconds_from_now: float = 0) -> str:
    """Return a moment as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


def seconds(duration: Any, default: float) -> float:
    """Return a duration as Go writes it, for example `1h30m`; the default where it is 0 or cannot be read."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    parts = cast(list[tuple[str, str]], re.findall(r"([\d.]+)(ms|h|m|s)", str(duration or "")))
    return sum(float(number) * units[unit] for number, unit in parts) or default


def going(thing: Object) -> bool:
    """Say whether an object is being deleted."""
    return dig(thing, "metadata", "deletionTimestamp") is not None


def condition(thing: Object, type_: str) -> Object:
    """Return a condition of an object's status; empty where it has none of that type."""
    found = [one for one in items(thing, "status", "conditions") if dig(one, "type") == type_]
    return found[0] if found else {}


def set_condition(world: World, thing: Object, new: Object, more: Object | None = None) -> None:
    """Write the condition `Ready` or its like into an object's status, unless it says so already. Raises ApiError.

    `more` holds other fields of the status, which are written with it.
    """
    old = condition(thing, str(new["type"]))
    same = all(old.get(key) == value for key, value in new.items())
    if same and not more:
        return
    moved = stamp() if old.get("status") != new["status"] else str(old.get("lastTransitionTime") or stamp())
    others = [one for one in items(thing, "status", "conditions") if dig(one, "type") != new["type"]]
    status = {**(more or {}), "conditions": [*others, {**new, "lastTransitionTime": moved}]}
    world.client.merge(world.client.path_of(thing, "status"), {"status": status})


class Play:
    """Asks the parts, one object at a time, until it is stopped."""

    def __init__(self, world: World, parts: Sequence[Part]) -> None:
        """Start nothing yet."""
        self.world = world
        self.parts = parts
        for part in parts:
            for kind in (*part.kinds, *part.looks_at):
                world.objects.setdefault(kind, {})
        self._events: queue.Queue[tuple[KindName, str, Object | None]] = queue.Queue()
        self._due: list[tuple[float, int, KindName, Key]] = []
        self._when: dict[tuple[int, KindName, Key], float] = {}
        self._failed: dict[tuple[int, KindName, Key], int] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Watch and play until `stop`."""
        for kind in sorted(self.world.objects):
            threading.Thread(target=self._watch, args=(kind,), name=f"watch-{kind[1]}", daemon=True).start()
        while not self._stop.is_set():
            self._take()
            self._play()

    def stop(self) -> None:
        """End `run` soon."""
        self._stop.set()

    def _watch(self, kind: KindName) -> None:
        while not self._stop.is_set():
            try:
                path = self.world.client.kind(*kind).path()
                listed = self.world.client.get(path)
                self._events.put((kind, "LIST", listed))
                version = str(dig(listed, "metadata", "resourceVersion"))
                for type_, thing in self.world.client.watch(path, version):
                    if type_ != "BOOKMARK":
                        self._events.put((kind, type_, thing))
            except ApiError as error:
                # A server that restarts, a kind that is not there yet, a version that is too old: begin again.
                self._stop.wait(_NO_KIND if error.reason == "NoKind" else _AGAIN)

    def _take(self) -> None:
        """Take in what happened; wait for it until something is due."""
        now = time.monotonic()
        wait = min(1.0, max(0.0, self._due[0][0] - now)) if self._due else 1.0
        try:
            event = self._events.get(timeout=wait) if wait else self._events.get_nowait()
            while True:
                self._note(*event)
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _note(self, kind: KindName, type_: str, data: Object | None) -> None:
        known = self.world.objects[kind]
        if type_ == "LIST":
            things = {_key(one): _whole(kind, one) for one in items(data, "items")}
            known.clear()
            known.update(things)
            self._changed(kind, things)
        elif data is not None:
            if type_ == "DELETED":
                known.pop(_key(data), None)
            else:
                known[_key(data)] = _whole(kind, data)
            self._changed(kind, [_key(data)])

    def _changed(self, kind: KindName, keys: Iterable[Key]) -> None:
        for number, part in enumerate(self.parts):
            if kind in part.kinds:
                for key in keys:
                    self._ask(number, kind, key)
            if kind in part.looks_at:
                for own in part.kinds:
                    for key in self.world.objects[own]:
                        self._ask(number, own, key)

    def _ask(self, number: int, kind: KindName, key: Key, after: float = 0.0) -> None:
        """Note that a part is to be asked about an object; the earliest time counts."""
        when = time.monotonic() + after
        if when < self._when.get((number, kind, key), float("inf")):
            self._when[(number, kind, key)] = when
            heapq.heappush(self._due, (when, number, kind, key))

    def _play(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            when, number, kind, key = heapq.heappop(self._due)
            if self._when.get((number, kind, key)) != when:
                continue  # asked earlier meanwhile
            del self._when[(number, kind, key)]
            thing = self.world.get(kind, *key)
            if thing is not None:
                self._play_one(number, kind, key, thing)

    def _play_one(self, number: int, kind: KindName, key: Key, thing: Object) -> None:
        part = self.parts[number]
        mark = (number, kind, key)
        try:
            again = part.play(self.world, thing)
        except ApiError as error:
            tries = self._failed[mark] = self._failed.get(mark, 0) + 1
            if error.status not in (0, 404, 409):  # gone, or changed meanwhile: nothing to tell
                # Not the server's message: it may hold values.
                tell(f"{part.name}: {kind[1]} {'/'.join(filter(None, key))}: {error.status} {error.reason}")
            self._ask(number, kind, key, min(_LONGEST, 0.5 * 2 ** min(tries, 5)))
            return
        except Exception as error:  # a fault in one part must not stop the others
            at = traceback.extract_tb(error.__traceback__)[-1]
            tell(f"{part.name}: fault in the rehearsal itself: {type(error).__name__} at {at.filename}:{at.lineno}")
            self._ask(number, kind, key, _LONGEST)
            return
        self._failed.pop(mark, None)
        if again is not None:
            self._ask(number, kind, key, again)


def tell(text: str) -> None:
    """Write a line of the log. It must hold no value of a Secret."""
    print(f"{stamp()} {text}", file=sys.stderr, flush=True)


def _key(thing: Object) -> Key:
    return str(dig(thing, "metadata", "namespace") or ""), str(dig(thing, "metadata", "name"))


def _whole(kind: KindName, thing: Object) -> Object:
    """Return an object of a list, which leaves out its kind."""
    return {**thing, "apiVersion": kind[0], "kind": kind[1]}
