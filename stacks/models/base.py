"""What the models of the organisation's files share: names and semantic types."""

from __future__ import annotations

import base64
import binascii
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


def strict_base64(text: str) -> bytes:
    """Return what the text stands for; bytes have one spelling only, so that no changed text means the same.

    Raises:
        ValueError: it is no base64, or not as it is written.

    """
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError(str(error)) from None
    if base64.b64encode(found).decode("ascii") != text:
        msg = "it is base64, but not as it is written"
        raise ValueError(msg)
    return found


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
