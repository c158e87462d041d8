"""What is typed at a guest's console, and what of its answers counts: consoles of other shapes, loops, hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate.qemu.login import ANSWER, AUTOLOGIN, COMMAND, EMPTY, NOBODY, PASSWORD, Dialog, Login, LoginError

BOOT = "Welcome to Debian GNU/Linux 13 (trixie)!\n[  OK  ] Started x.\n\nDebian GNU/Linux 13 live ttyS0\n\n"
ANGLE = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
PROMPTS = (
    "live@live:~$ ", "root@live:~# ", "root@live(ttyS0):~# ", "[root@live ~]# ", "live% ", "live@live ~> ", "sh-5.2# ",
    "$ ", f"{ANGLE} ", "┌──(live㉿live)-[~]\n└─$ ", "live ~ λ ", "➜  ~ ", "",
)  # fmt: skip


class Guest:
    """A console with a getty. ``shell`` is its prompt, or None for a login that ends at once."""

    def __init__(self, login: Login, shell: str | None, *, asks: bool = False) -> None:
        self.login, self.shell, self.asks = login, shell, asks
        self.text, self.typed, self.time = "", list[str](), 0.0
        self.inside = self.waiting = False
        self.dialog = Dialog(login, self.hear, lambda: self.time)
        self.say(BOOT)
        self.getty()

    def say(self, text: str) -> None:
        self.text += text

    def getty(self) -> None:
        self.inside = self.waiting = False
        self.say("live login: ")
        if self.login.how == AUTOLOGIN:
            self.say(f"{self.login.user} (automatic login)\n\n")
            self.enter()

    def enter(self) -> None:
        if self.shell is None:
            self.say("\n")
            return
        self.inside = True
        self.say(f"Linux live 6.12\n\n{self.shell}")

    def hear(self, line: str) -> None:
        self.typed.append(line)
        self.say(line)
        if self.inside:
            self.say(f"{ANSWER}\n" if line == f"{COMMAND}\n" else "not found\n")
            self.say(self.shell or "")
        elif self.asks:
            self.say("Password: ")
        elif line.strip() == self.login.user:
            self.enter()
            if not self.inside:
                self.getty()

    def watch(self, seconds: int = 120) -> bool:
        for _ in range(seconds):
            if self.dialog.looks_up(self.text[-5000:], len(self.text)):
                return True
            self.time += 1
            if self.login.how == AUTOLOGIN and self.shell is None and self.time % 3 == 0:
                self.getty()
        return False


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("how", [AUTOLOGIN, EMPTY])
def test_a_shell_that_answers(prompt: str, how: str) -> None:
    guest = Guest(Login("live", how), prompt)
    assert guest.watch()
    assert f"{COMMAND}\n" in guest.typed


def test_a_shell_that_drops_what_is_typed_while_it_starts() -> None:
    guest = Guest(Login("live", AUTOLOGIN), "% ")
    guest.inside = False
    guest.watch(5)
    guest.inside = True
    assert guest.watch()
    assert guest.typed.count(f"{COMMAND}\n") == 2


def test_zsh_asks_a_new_user() -> None:
    guest = Guest(Login("live", AUTOLOGIN), "This is zsh-newuser-install\n--- Type one of the keys in parentheses --- ")
    guest.inside = False
    guest.watch(15)
    assert guest.typed == [f"{COMMAND}\n", "q\n"]
    guest.inside, guest.shell = True, "live% "
    assert guest.watch()
    assert guest.typed[2:] == [f"{COMMAND}\n"]


def test_a_prompt_at_which_a_password_is_asked_for() -> None:
    guest = Guest(Login("live", PASSWORD), "$ ", asks=True)
    assert guest.watch()
    assert guest.typed == ["live\n"]


def test_a_prompt_where_nobody_can_log_in() -> None:
    guest = Guest(Login(how=NOBODY), "$ ")
    assert guest.watch()
    assert guest.typed == []


@pytest.mark.parametrize("how", [EMPTY, PASSWORD, NOBODY])
def test_the_kernel_prints_after_the_prompt(how: str) -> None:
    guest = Guest(Login("live", how), "$ ", asks=how == PASSWORD)
    guest.say("[   61.5] a message\n")
    hear = guest.hear

    def heard(line: str) -> None:
        if line == "\n":
            guest.say("\nlive login: ")
        else:
            hear(line)
            guest.say("\n[   62.5] another\n" if how == PASSWORD else "")

    guest.dialog.send = heard
    assert guest.watch()


@pytest.mark.parametrize(
    ("login", "asks", "fact"),
    [
        (Login("live", AUTOLOGIN), False, "the automatic login of live on the console starts again and again"),
        (Login("live", EMPTY), False, "the console asks for a name again and again, and does not let live in"),
        (Login("live", PASSWORD), False, "the console asks for a name again and again, and does not let live in"),
        (Login("live", EMPTY), True, "the console asks live, who has none, for a password"),
    ],
)
def test_logins_that_go_on_for_ever(login: Login, asks: bool, fact: str) -> None:
    with pytest.raises(LoginError, match=f"^{fact}$"):
        Guest(login, None, asks=asks).watch()


def test_an_echo_is_no_answer() -> None:
    """Nor is a message that has the words of the command in it."""
    assert ANSWER not in COMMAND
    guest = Guest(Login("live", AUTOLOGIN), "$ ")
    guest.inside = False
    assert not guest.watch()


@pytest.mark.parametrize(
    "early", ["GNU GRUB  version 2.12\n   The highlighted entry will be executed in 3s. ", "grub> "]
)
def test_nothing_is_typed_at_the_boot_loader(early: str) -> None:
    """Where keys do things."""
    for how in (AUTOLOGIN, EMPTY, PASSWORD, NOBODY):
        guest = Guest(Login("live", how), "$ ")
        guest.text = early
        guest.watch(20)
        assert guest.typed == []


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*PROMPTS, "live login: ", "Password: ", ANSWER, "\n", "live login: a (automatic login)"]))
)
def test_whatever_is_said_it_comes_to_an_end(said: list[str]) -> None:
    for how in (AUTOLOGIN, EMPTY, PASSWORD, NOBODY):
        typed: list[str] = []
        time, text = 0.0, ""
        dialog = Dialog(Login("a", how), typed.append, lambda: time)  # noqa: B023
        try:
            for each in said:
                text += each
                time += 11
                dialog.looks_up(text[-100:], len(text))
        except LoginError:
            pass
        assert len(typed) <= len(said) + 1
