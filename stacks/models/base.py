"""What the models of the organisation's files share: names and semantic types."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, PrivateAttr, StringConstraints

from inputs.validate import FileModel

Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""A name that Kubernetes, DNS and Vault take: lower-case letters, digits and hyphens, at most 40 characters."""

Domain = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=253)
]
"""A domain name in lower case without a dot at the end, for example `production.voorbeeld.example`."""


def _https(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        msg = "an address must look like `https://host/path`, without credentials, `?` or `#`"
        raise ValueError(msg)
    return value


HttpsAddress = Annotated[str, AfterValidator(_https)]
"""An `https://` address, kept exactly as written: an OpenID Connect issuer is compared letter by letter."""

NAME_PATTERN = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?\Z")
"""The same as `Name`, for file and folder names."""


class NamedFile(FileModel):
    """A file whose stem (or folder) is its name; the name is never a key in it."""

    _name: str = PrivateAttr(default="")

    def model_post_init(self, context: Any, /) -> None:
        """Take the name from the validation context, where the loader puts it."""
        if isinstance(context, dict):
            self._name = str(cast("dict[str, Any]", context).get("name", ""))

    @property
    def name(self) -> str:
        """The name: the stem of the file or the name of its folder."""
        return self._name
