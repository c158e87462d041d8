"""What can go wrong with a remote, whatever kind of remote it is."""

from __future__ import annotations


class RegistryError(Exception):
    """The remote did not do what it was asked. It reads ``fact; remedy``."""

    may_pass = True
    """The same request may succeed a moment later."""

    def __init__(self, fact: str, remedy: str = "", *, status: int = 0) -> None:
        """``status``: the HTTP status of the answer, 0 where there was none or it does not matter."""
        super().__init__(f"{fact}; {remedy}" if remedy else fact)
        self.fact, self.remedy, self.status = fact, remedy, status


class DeniedError(RegistryError):
    """This user has no access."""

    may_pass = False


class WrongBytesError(RegistryError):
    """Other bytes came than those that were asked for."""

    may_pass = False


class RefusedError(RegistryError):
    """The answer would be the same the next time."""

    may_pass = False


class StoppedError(Exception):
    """The caller no longer wants the transfer."""
