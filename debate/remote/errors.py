"""The errors of all kinds of remotes."""

from __future__ import annotations


class RegistryError(Exception):
    """A request to the remote failed. It reads ``fact; remedy``."""

    may_pass = True
    """True if the same request may succeed later."""

    def __init__(self, fact: str, remedy: str = "", *, status: int = 0) -> None:
        """``status``: the HTTP status of the response; 0 if there was none or it does not matter."""
        super().__init__(f"{fact}; {remedy}" if remedy else fact)
        self.fact, self.remedy, self.status = fact, remedy, status


class UnavailableError(RegistryError):
    """The remote failed each time it was asked, over some seconds."""


class DeniedError(RegistryError):
    """This user has no access."""

    may_pass = False


class WrongBytesError(RegistryError):
    """The remote sent other bytes than those requested."""

    may_pass = False


class RefusedError(RegistryError):
    """The remote refused the request, and would refuse it again."""

    may_pass = False


class TooSlowError(RegistryError):
    """A transfer would take too long, although bytes arrive now and then."""

    may_pass = False


class StoppedError(Exception):
    """The caller cancelled the transfer."""
