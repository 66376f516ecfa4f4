"""What can keep an embedded service from starting; each says it in English and Spanish.

EmbeddedError
├── FolderInUse     another running instance holds the state folder
├── PortInUse       something else listens on a port that was asked for
├── NotInstalled    a pinned file could not be fetched, or is not what was pinned
└── NotStarted      the service ended or stayed silent; its log says why
"""

from __future__ import annotations

from pathlib import Path

from schemas.texts import Text


class EmbeddedError(Exception):
    """The root; `text` is for the person who started the service."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class FolderInUse(EmbeddedError):
    """Two servers on one data folder would destroy it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            Text(
                "{folder} is in use by another running Puente; stop it first, or name another state folder",
                "{folder} está en uso por otro Puente en marcha; deténgalo primero o indique otra carpeta de estado",
            ).format(folder=folder)
        )


class PortInUse(EmbeddedError):
    """The port was asked for by number, so another one would not do."""

    def __init__(self, port: int) -> None:
        super().__init__(
            Text(
                "port {port} on 127.0.0.1 is in use by another program; free it, or choose another (0 = any free one)",
                "el puerto {port} de 127.0.0.1 está en uso por otro programa; libérelo o elija otro (0 = uno libre)",
            ).format(port=port)
        )
        self.port = port


class NotInstalled(EmbeddedError):
    """A pinned file is missing and could not be fetched, or its content is not the pinned one."""


class NotStarted(EmbeddedError):
    """The service did not become ready."""

    def __init__(self, service: str, log: Path) -> None:
        super().__init__(
            Text(
                "{service} did not start; its log says why: {log}",
                "{service} no arrancó; su registro dice por qué: {log}",
            ).format(service=service, log=log)
        )
