"""Connecting to an MQTT 5 broker: its address, who we are, encryption; and what can go wrong."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from twin.errors import TwinError

KEEPALIVE = 30
"""Seconds after which a silent connection is probed."""

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class LiveError(TwinError):
    """The broker cannot be used as asked: says what it answered and what to do."""


class Access(NamedTuple):
    """How a client may use a broker.

    Parameters
    ----------
    url
        ``mqtt://host:port``, or ``mqtts://host:port`` with encryption.
    username
        Its user at the broker; empty: none.
    password_file
        File whose first line is the password, so that it stands on no command line.
    ca
        Certificate of the authority that signed the broker's; none: those the system trusts.
    """

    url: str
    username: str = ""
    password_file: Path | None = None
    ca: Path | None = None

    @property
    def address(self) -> tuple[bool, str, int]:
        """Whether it is encrypted, host and port.

        Raises
        ------
        LiveError
            If the address is not one of a broker.
        """
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            msg = f"broker '{self.url}': {error}; write mqtt://host:port or mqtts://host:port"
            raise LiveError(msg) from error
        if parts.username is not None or parts.password is not None:
            msg = (
                "the broker's address holds a user or password, which everyone on this machine can "
                "read; give --username and --password-file"
            )
            raise LiveError(msg)
        if parts.scheme not in _PORTS or not host or parts.path not in ("", "/"):
            msg = f"broker '{self.url}'; write mqtt://host:port or mqtts://host:port"
            raise LiveError(msg)
        return parts.scheme == "mqtts", host, port or _PORTS[parts.scheme]

    def client(self, client_id: str, *, manual_ack: bool = False) -> mqtt.Client:
        """Return a client with these credentials that is not connected yet.

        Raises
        ------
        LiveError
            If address, password file or certificate cannot be used.
        """
        encrypted, host, _ = self.address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5, manual_ack=manual_ack
        )
        if self.password_file is not None and not self.username:
            msg = "a password without a user; give --username as well"
            raise LiveError(msg)
        if self.password_file is not None and not encrypted and host not in _LOOPBACK:
            msg = f"the password would travel readable to {host}; use mqtts:// (see docs/live.md)"
            raise LiveError(msg)
        if self.username:
            client.username_pw_set(self.username, self._password())
        if encrypted:
            client.tls_set_context(self._trust())
        elif self.ca is not None:
            msg = f"a certificate for '{self.url}', which is not encrypted; write mqtts://"
            raise LiveError(msg)
        return client

    def _password(self) -> str | None:
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"password file {self.password_file}: {error}; a text file with one line"
            raise LiveError(msg) from error

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            msg = f"certificate {self.ca}: {error}; give the authority's certificate as PEM"
            raise LiveError(msg) from error


def unreachable(access: Access, error: OSError) -> LiveError:
    """Return what to tell when there is no connection to a broker."""
    if isinstance(error, ssl.SSLError):
        return LiveError(
            f"{access.url}: encryption failed ({error}); is it the encrypted port, and --tls the "
            "certificate of the authority that signed the broker's?"
        )
    return LiveError(f"{access.url}: no broker ({error}); start it, or check host and port")


def refused(access: Access, reason: object) -> LiveError:
    """Return what to tell when a broker turned us away."""
    who = f"user '{access.username}'" if access.username else "a client without a user"
    return LiveError(
        f"{access.url} refused {who}: {reason}; check --username and --password-file, and the "
        "broker's password and ACL files"
    )
