"""A real broker for tests: mosquitto as docs/mosquitto.conf sets it up, on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

USERS = {"twin": "listens", "replay": "replays", "scale": "weighs", "thief": "steals"}
ACL = """
user twin
topic read telemetry/#
topic read spBv1.0/#
user replay
topic write telemetry/#
user scale
topic write telemetry/dc/scale
user thief
topic write telemetry/dc/thief
"""
_BIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class Broker:
    """mosquitto in a folder of its own; a context manager.

    ``users`` switches passwords and the ACL on, ``tls`` encryption with certificates of the folder.
    """

    def __init__(self, folder: Path, *, users: bool = False, tls: bool = False) -> None:
        self.folder, self.tls = folder, tls
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1", "log_type error", "persistence true",
            f"persistence_location {folder}/", "autosave_interval 1", "max_queued_messages 0",
            *(["user root"] if os.geteuid() == 0 else []),
        ]  # fmt: skip
        lines += self._with_users() if users else ["allow_anonymous true"]
        if tls:
            certify(folder)
            lines += [f"cafile {folder}/ca.crt", f"certfile {folder}/broker.crt"]
            lines += [f"keyfile {folder}/broker.key", "tls_version tlsv1.2"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://localhost:{self.port}"

    def __enter__(self) -> Broker:
        command = shutil.which("mosquitto", path=_BIN)
        assert command, "mosquitto is missing; .ci/parts leaves these tests out where it is"
        with (self.folder / "log").open("ab") as log:
            words = [command, "-c", str(self.folder / "mosquitto.conf")]
            self.process = subprocess.Popen(words, stderr=log, stdout=log)
        for _ in range(200):
            with socket.socket() as knock:
                up = knock.connect_ex(("127.0.0.1", self.port)) == 0
            if up:
                return self
            time.sleep(0.05)
        self.__exit__()
        raise AssertionError((self.folder / "log").read_text())

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def stop(self, by: int = signal.SIGTERM) -> None:
        self.process.send_signal(by)
        self.process.wait(20)

    def _with_users(self) -> list[str]:
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{u}:{p}\n" for u, p in USERS.items()))
        passwords.chmod(0o600)
        subprocess.run(
            [shutil.which("mosquitto_passwd", path=_BIN) or "mosquitto_passwd", "-U", passwords],
            check=True, capture_output=True,
        )  # fmt: skip
        (self.folder / "acl").write_text(ACL)
        for user, password in USERS.items():
            (self.folder / f"{user}.password").write_text(password + "\n")
        return [
            "allow_anonymous false", f"password_file {passwords}", f"acl_file {self.folder}/acl"
        ]  # fmt: skip

    def login(self, user: str) -> dict[str, object]:
        """Return the arguments by which one of the users logs in."""
        return {"username": user, "password_file": self.folder / f"{user}.password"}


def certify(folder: Path) -> None:
    """Make an authority and a certificate of the broker that it signed."""
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    ca = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    for words in (
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
         "-addext", "keyUsage=critical,keyCertSign", "-keyout", "ca.key", "-out", "ca.crt"],
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-keyout", "broker.key", "-out", "broker.csr"],
        ["x509", "-req", "-in", "broker.csr", *ca, "-days", "2", "-extfile", "names",
         "-out", "broker.crt"],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
