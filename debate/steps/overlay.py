"""The upper layer: users, files, services and hooks on the installed packages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from debate import keys
from debate.deferred import frozen
from debate.entry import Contents, Entry, Made, text_entry
from debate.live import ready
from debate.profile import files
from debate.steps import locales, networking, passed_over, unread, uses, wanted
from debate.steps.rule import Rule
from debate.text import unit_name
from debate.text.printable import printable
from debate.text.ssh_key import fault

if TYPE_CHECKING:
    from debate.errors import Place
    from debate.history.records import Report
    from debate.model import Artifact, Step
    from debate.profile.node import Node
    from debate.steps.choices import Choices
    from debate.steps.claims import Claims
    from debate.steps.work import Work


@frozen
class User:
    """A user account."""

    name: str
    uid: int | None
    """None for the next free uid."""
    full_name: str
    groups: tuple[str, ...]
    shell: str
    password: str
    """The hash, as in shadow(5)."""


@frozen
class Permission:
    """Mode and owner for an existing file of the system."""

    path: str
    mode: str
    """Octal digits."""
    owner: str
    """Empty for the one that it has; so is the group."""
    group: str


@frozen
class Services:
    """systemd units."""

    enable: tuple[str, ...]
    disable: tuple[str, ...]
    mask: tuple[str, ...]


@frozen
class Hook:
    """A script that runs in the system, after everything else."""

    name: str
    digest: str


@frozen
class Slice:
    """The changes to the installed system."""

    users: tuple[User, ...]
    tree: tuple[Entry, ...]
    permissions: tuple[Permission, ...]
    services: Services
    commands: tuple[tuple[str, ...], ...]
    """Argument lists to run in the system."""
    checks: tuple[tuple[str, ...], ...]
    """What the system must then have: words for the functions of sandbox/present.sh."""
    interpreters: tuple[tuple[str, str], ...]
    """Programs that run the profile's executable scripts, each with the path of one of these."""
    cron: tuple[tuple[str, str, str], ...]
    """Path, fact and remedy of each file that Debian's cron passes over, if the base's packages may have another."""
    hooks: tuple[Hook, ...]
    mksquashfs: tuple[str, ...]

    @classmethod
    def of(cls, choices: Choices) -> Self:
        data = choices.data
        claims, parts = files_of(choices).copy(), choices.locale_parts
        for number, user in enumerate(data["users"]):
            _log_in(choices, claims, number, user)
        names = [user["name"] for user in data["users"]]
        explicit = _with_owner(choices, claims)
        found = wanted.in_homes(claims.entries, names, explicit)
        permissions = tuple(_permissions(choices, found))
        _refuse(choices, found, claims.places, permissions)
        choices.unique("permissions", "path")
        return cls(
            users=tuple(_read_users(choices)),
            tree=tuple(found[path] for path in sorted(found)),
            permissions=permissions,
            services=_services(choices),
            commands=tuple(map(tuple, parts.commands)),
            checks=(*map(tuple, parts.checks), *([("speech",)] if "accessibility" in ready.named(data) else [])),
            interpreters=tuple(sorted(_interpreters(choices, found, permissions, claims.places).items())),
            cron=tuple(sorted(_of_base(choices, found, permissions))),
            hooks=tuple(_read_hooks(choices)),
            mksquashfs=choices.mksquashfs,
        )

    def to_json(self) -> dict[str, Any]:
        """JSON without the empty fields of entries, which are most of them."""
        from debate.steps.work import json_values

        return {**json_values(self), "tree": [entry.to_json() for entry in self.tree]}


def files_of(choices: Choices) -> Claims:
    """What overlays, `files` and the system's own fields of a profile put into the system."""
    from debate.steps.claims import Claims

    if choices.claims is None:
        choices.claims = Claims(choices)
        _overlays(choices, choices.claims)
        choices.trees = tuple(entry for _, entry in sorted(choices.claims.entries.items()))
        _files(choices, choices.claims)
        _system(choices, choices.claims)
    return choices.claims


def ends_at_once(shell: str) -> bool:
    """True for a program in the place of a login shell that lets nobody in."""
    return shell.rpartition("/")[2] in ("nologin", "false", "true")


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_LINES = 5
"""Lines of one file that are told."""
_VERBS = ("enable", "disable", "mask")


def _read_users(choices: Choices) -> Iterable[User]:
    users = choices.data["users"]
    choices.unique("users", "uid")
    waiting = [number for number, user in enumerate(users) if user["autologin"]]
    for number in waiting[1:]:
        choices.problem(("users", number, "autologin"), "only one user can be logged in automatically", "choose one")
    for number, user in enumerate(users):
        if user["autologin"] and ends_at_once(user["shell"]):
            shell = choices.place(("users", number, "shell"))
            fact = f"autologin: {user['shell']} ({shell}) ends at once, so the login starts again for ever"
            choices.problem(("users", number, "autologin"), fact, "choose a shell, or leave autologin out")
        if user["name"] == "root" and user["uid"] not in (None, 0):
            choices.problem(("users", number, "uid"), "root's uid is 0", "leave it out")
        elif user["name"] != "root" and user["uid"] == 0:
            choices.problem(("users", number, "uid"), "uid 0 is root's", "choose another")
        _note_sudo(choices, number, user)
        for place, line in enumerate(user["ssh_keys"]):
            if wrong := fault(line):
                choices.problem(("users", number, "ssh_keys", place), f"ssh_keys: {wrong[0]}", wrong[1])
    for user in sorted(users, key=lambda user: str(user["name"])):
        yield User(
            name=user["name"],
            uid=None if user["name"] == "root" else user["uid"],
            full_name=user["full_name"],
            groups=tuple(sorted(set(user["groups"]))),
            shell=user["shell"],
            password=user["password_hash"],
        )


def _note_sudo(choices: Choices, number: int, user: Mapping[str, Any]) -> None:
    """Note what sudo would ask a user for in vain."""
    name, has_none = user["name"], user["password_hash"][:1] in ("!", "*")
    if name == "root" and user["sudo"]:
        choices.problem(("users", number, "sudo"), "sudo: root may do everything without it", "leave it out")
    elif user["sudo"] == "password" and has_none:
        fact = f"sudo: it would ask {name} for a password, who has none"
        choices.problem(("users", number, "sudo"), fact, "write nopasswd, or add password_hash")
    elif "sudo" in user["groups"] and has_none and not user["sudo"]:
        choices.told.append(
            f"users: sudo asks {name} for a password, who has none; `sudo: nopasswd` lets {name} do without"
        )


_PATIENCE = ("/etc/systemd/system/dev-ttyS0.device.d/patience.conf", "[Unit]\nJobRunningTimeoutSec=infinity\n")
"""A kernel that has this console tells udev of it, but on a slow or busy machine udev may come to it after more than 90
seconds. systemd would have given up by then, and nobody could log in there; see systemd.device(5), systemd.unit(5)."""


_SPEECH = (
    "/etc/systemd/system/espeakup.service.d/accessibility.conf",
    f"[Unit]\nConditionKernelCommandLine={ready.SPEECH}\n",
)
"""Debian starts it as soon as there is a sound card, and it would speak whatever entry of the menu was chosen."""


def _system(choices: Choices, claims: Claims) -> None:
    """Files for hostname, locale, keymap, time zone, the serial console and speech."""
    name = choices.data["hostname"]
    hosts = f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n"
    parts = choices.locale_parts
    made = [
        Made("hostname", *text_entry("/etc/hostname", f"{name}\n")),
        Made("", *text_entry("/etc/hosts", hosts)),
        Made("", *text_entry(*_PATIENCE)),
    ]
    if "accessibility" in ready.named(choices.data):
        made.append(Made("", *text_entry(*_SPEECH)))
    for each in (*made, *parts.made, *networking.add(choices)):
        said = choices.profile.root.get(each.field)
        claims.add_made(each, said.position if said else None)


def _log_in(choices: Choices, claims: Claims, number: int, user: Mapping[str, Any]) -> None:
    """Files by which a user is logged in automatically or with ssh keys, or becomes root with sudo."""
    for field, made in (("autologin", _autologin(user)), ("ssh_keys", _ssh_keys(user)), ("sudo", _sudo(user))):
        for entry, content in made:
            claims.add_made(
                Made(f"users[{number + 1}].{field}", entry, content), choices.place(("users", number, field))
            )


def _autologin(user: Mapping[str, Any]) -> Iterator[tuple[Entry, bytes]]:
    """Drop-ins for the gettys on the screen and the serial line; see agetty(8), systemd.unit(5)."""
    units = {
        "getty@tty1.service": "--noclear",
        "serial-getty@.service": "--keep-baud 115200,57600,38400,9600",
    }
    for unit, options in units.items() if user["autologin"] else ():
        text = f"[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin {user['name']} {options} %I $TERM\n"
        yield text_entry(f"/etc/systemd/system/{unit}.d/autologin.conf", text)


def _ssh_keys(user: Mapping[str, Any]) -> Iterator[tuple[Entry, bytes]]:
    if not user["ssh_keys"]:
        return
    name = user["name"]
    home = "/root" if name == "root" else f"/home/{name}"
    text = "".join(f"{key}\n" for key in sorted(set(user["ssh_keys"])))
    yield text_entry(f"{home}/.ssh/authorized_keys", text, mode="0600", owner=name, group=name)
    for directory in (f"{home}/.ssh",) if name == "root" else (home, f"{home}/.ssh"):
        yield Entry(directory, "directory", mode="0700", owner=name, group=name), b""


def _sudo(user: Mapping[str, Any]) -> Iterator[tuple[Entry, bytes]]:
    """Of all rules that fit, sudo takes the last, and these are read after those for groups; see sudoers(5)."""
    tag = "NOPASSWD: " if user["sudo"] == "nopasswd" else ""
    if user["sudo"]:
        yield text_entry(f"/etc/sudoers.d/{user['name']}", f"{user['name']} ALL=(ALL:ALL) {tag}ALL\n", mode="0440")


def _overlays(choices: Choices, claims: Claims) -> None:
    """The trees of files. Of one path the later profile's is taken."""
    from debate.profile.tree import Room
    from debate.profile.visit import scanned
    from debate.steps import databases

    room = Room()
    permitted = {*databases.FIELDS, *(item["path"] for item in choices.data["permissions"])}
    for number, node in choices.nodes("overlays"):
        item = choices.data["overlays"][number]
        source = node.value["source"] if isinstance(node.value, dict) else node
        target = "/" if isinstance(item, str) else item["target"]
        choices.sources.append(source.directory / source.value)
        try:
            found = scanned(source.directory, source.value, target, source.position, room)
        except OSError as error:
            choices.refuse(source, "overlay", error)
            continue
        room = found.room
        choices.problems.extend(found.problems)
        for entry in found.entries:
            if not _is_plain(entry.path):
                fact = f"overlay has a file name with control characters: {entry.path!r}"
                choices.note(source.position, fact, "rename it")
            elif not _is_plain(entry.target):
                fact = f"overlay has a link to a name with control characters: {entry.path!r}"
                choices.note(source.position, fact, "link to another name")
            claims.add(entry, f"overlay {source.value!r}", source.position)
        for closed, mode in found.private:
            if closed not in permitted:
                fact = (
                    f"overlay {source.value!r} has {closed} with mode {mode}, and in the system everybody could read it"
                )
                remedy = "name path and mode in permissions, since git does not store modes; or chmod go+rX"
                choices.note(source.position, fact, remedy)
        for opened, mode, kept in found.open:
            if opened not in permitted:
                fact = f"overlay {source.value!r} has {opened} with mode {mode}, and in the system it would be {kept}"
                remedy = f"name path and mode in permissions, since git does not store modes; or chmod {kept}"
                choices.note(source.position, fact, remedy)
        choices.scripts.update(found.scripts)
        for digest, path in found.contents.items():
            choices.contents.setdefault(digest, path)


def _files(choices: Choices, claims: Claims) -> None:
    """The files that are written in the profile, or beside it."""
    from debate.profile.tree import script_in

    for number, node in choices.nodes("files"):
        item = choices.data["files"][number]
        content, mode = item["content"].encode(), "0644"
        if source := _source(choices, node):
            found = choices.read(source, "file")
            content, mode = found or b"", "0755" if choices.is_executable(source) else "0644"
        entry = Entry(
            item["path"],
            "file",
            mode=(item["mode"] or mode).zfill(4),
            owner=item["owner"],
            group=item["group"],
            digest=keys.sha256(content),
        )
        if script := script_in(content):
            choices.scripts[entry.digest] = script
        claims.add_made(Made("files", entry, content), choices.place(("files", number, "path")))


def _source(choices: Choices, node: Node) -> Node | None:
    """The name of the file with the content, unless a later profile writes that. Notes a problem for two of one."""
    content, source = node.get("content"), node.get("source")
    if source is None or source.value is None:
        return None
    if content is None:
        return source
    written, named = (choices.profile.order.index(each.position.file) for each in (content, source))
    if written == named:
        choices.note(source.position, f"files: {node.at(['path']).value} has both content and source", "keep one")
    return source if named > written else None


def _with_owner(choices: Choices, claims: Claims) -> dict[str, set[str]]:
    """Paths of files for which the profile names an owner or group -> those of the two that it names."""
    named = {
        path: node.value.keys() & {"owner", "group"}
        for number, node in choices.nodes("files")
        if claims.found[path := choices.data["files"][number]["path"]].field == "files"
    }
    return {path: fields for path, fields in named.items() if fields}


def _permissions(choices: Choices, tree: Mapping[str, Entry]) -> Iterator[Permission]:
    """Those of the profile. What is in a home, and of no other owner in the tree, is its user's."""
    names = [user["name"] for user in choices.data["users"]]
    for item in sorted(choices.data["permissions"], key=lambda item: str(item["path"])):
        path = item["path"]
        user = wanted.home_of(path, names)
        own = tree.get(path, Entry(path, "", owner=user, group=user))
        owner, group = (own.owner, own.group) if user else ("", "")
        yield Permission(path, item["mode"], item["owner"] or owner, item["group"] or group)


def _refuse(
    choices: Choices,
    tree: Mapping[str, Entry],
    places: Mapping[str, Place | None],
    permissions: Iterable[Permission],
) -> None:
    """Note what cannot be in an image: of each overlay only the first path of a kind."""
    told: set[tuple[Place | None, str]] = set()

    def note(path: str, kind: str, fact: str, remedy: str) -> None:
        place = places.get(path)
        if (place, kind) not in told:
            told.add((place, kind))
            choices.note(place, fact, remedy)

    for path, fact in wanted.hidden(tree):
        note(path, "hidden", fact, wanted.NOT_COVERED)
    for path in wanted.REMOVED:
        if path in tree:
            note(path, path, f"{path} is removed from each system, since what leaves it behind differs", "leave it out")
    for path in wanted.MADE:
        if path in tree:
            note(path, path, f"{path} is made of the system's other files, after all else", "leave it out")
    for path, above in wanted.clashes(tree):
        remedy = f"put it below {above.target}" if above.type == "link" else "choose another path for one of them"
        note(path, "clash", f"{path} is below {above.path}, which is a {above.type} of this profile", remedy)
    for path in wanted.DATABASES:
        entry = tree.get(path)
        if entry and entry.type != "file":
            fact = f"{path} is merged into the system's, and a {entry.type} cannot be"
            note(path, path, fact, "make it a file")
        elif entry and (entry.mode, entry.owner, entry.group) != ("0644", "root", "root"):
            fact = f"{path} is merged into the system's, which keeps its mode and owner"
            note(path, path, fact, "leave mode, owner and group out")
        if entry and entry.type == "file":
            for fact, remedy in _database_faults(choices, entry):
                choices.note(places.get(path), fact, remedy)
    debian, other_cron = choices.data["distribution"] == "debian", _has_other_cron(choices)
    others = (unread.CRON,) if other_cron or not debian else ()
    for path, fact, remedy in unread.faults(tree.values(), others=others):
        choices.note(places.get(path), fact, remedy)
    for path, fact, remedy in _line_faults(choices, tree, others):
        choices.note(places.get(path), fact, remedy)
    others = (unread.CRON,) if other_cron else ()
    said = {item["path"]: choices.place(("permissions", n)) for n, item in enumerate(choices.data["permissions"])}
    last = wanted.with_permissions(tree, permissions)
    for path, fact, remedy in unread.modes(last, others=others, own_groups=debian):
        choices.note(said.get(path, places.get(path)), fact, remedy)
    links = wanted.links_of(tree.values())
    for number, item in enumerate(choices.data["permissions"]):
        path, place = item["path"], choices.place(("permissions", number, "path"))
        if wanted.is_covered(path, links):
            choices.note(place, f"permissions: {wanted.covered(path, links)}", wanted.NOT_COVERED)
        elif path in tree and tree[path].type == "link":
            fact = f"permissions: {path} is a link, which has no mode of its own"
            choices.note(place, fact, f"name what it leads to: {tree[path].target}")


def _database_faults(choices: Choices, entry: Entry) -> Iterable[tuple[str, str]]:
    """What is wrong with a file of users or groups: the first lines of it."""
    from debate.steps import databases

    try:
        content = choices.content(entry.digest, databases.LARGEST)
    except OSError as error:
        fact, remedy = files.refusal(error)
        return [(f"{entry.path} {fact}", remedy)]
    uids = {user["name"]: user["uid"] for user in choices.data["users"] if user["uid"] is not None}
    return itertools.islice(databases.faults(entry.path, content, uids), _MOST_LINES)


def _has_other_cron(choices: Choices) -> bool:
    """True if something else than Debian's cron may read its files in the system. Of a base only the system tells."""
    return "systemd-cron" in choices.data["packages"] or _is_on_a_base(choices)


def _is_on_a_base(choices: Choices) -> bool:
    return choices.data["distribution"] == "debian" and choices.data["base"] is not None


def _of_base(
    choices: Choices, tree: Mapping[str, Entry], permissions: Iterable[Permission]
) -> Iterable[tuple[str, str, str]]:
    """Path, fact and remedy of what cron would pass over, if the base has Debian's."""
    if not _is_on_a_base(choices) or "systemd-cron" in choices.data["packages"]:
        return ()
    last = tuple(wanted.with_permissions(tree, permissions))
    found, others = (
        {*unread.faults(tree.values(), others=each), *unread.modes(last, others=each)} for each in ((), (unread.CRON,))
    )
    only_cron = {path: entry for path, entry in tree.items() if passed_over.is_only_for(unread.CRON, path)}
    return {*found - others, *_line_faults(choices, only_cron, ())}


def _line_faults(
    choices: Choices, tree: Mapping[str, Entry], others: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """Path, fact and remedy of lines that programs pass over, but for ``others``: the first ones of each file."""
    for path, entry in tree.items():
        read = passed_over.reader(path, others) if entry.type == "file" else None
        if read is None:
            continue
        try:
            content = choices.content(entry.digest, passed_over.LARGEST)
        except OSError as error:
            fact, remedy = files.refusal(error)
            yield path, f"{path} {fact}", remedy
            continue
        for fact, remedy in itertools.islice(read(content.decode(errors="replace")), _MOST_LINES):
            yield path, f"{path} {fact}", remedy


def _interpreters(
    choices: Choices,
    tree: Mapping[str, Entry],
    permissions: Iterable[Permission],
    places: Mapping[str, Place | None],
) -> dict[str, str]:
    """Program -> the first executable file that it runs. Notes what is wrong with the first lines of such files."""
    found: dict[str, str] = {}
    for entry in wanted.with_permissions(tree, permissions):
        script = choices.scripts.get(entry.digest)
        if script is None or not int(entry.mode, 8) & 0o111:
            continue
        program = interpreter(script.first)
        crlf = script.crlf and program.rpartition("/")[2] in _SHELLS
        wrong = script_faults(script.first + (b"\ntrue\r\n" if crlf else b"\ntrue\n"))
        for fact, remedy in wrong:
            choices.note(places.get(entry.path), f"{entry.path} {fact}", remedy)
        if program and not wrong and not wanted.is_covered(program):
            found.setdefault(program, entry.path)
    return found


def interpreter(first: bytes) -> str:
    """The program that a first line names, as the kernel or env(1) looks for it; empty for none."""
    words = first.removesuffix(b"\r").decode(errors="replace")[2:].split()
    if words and words[0].endswith("/env"):
        words = [word for word in words[1:] if word[0] != "-" and "=" not in word]
    return words[0] if words else ""


def _read_hooks(choices: Choices) -> Iterable[Hook]:
    from debate.text.pattern import compiled

    generator = compiled(_GENERATOR)
    for _, node in choices.nodes("hooks"):
        content = choices.read(node, "hook")
        if content is not None:
            require_script(choices, node, content)
            if match := generator.search(content):
                fact = f"hook {node.value!r} runs {match[1].decode()}, and the initramfs is not made by hooks"
                choices.note(node.position, fact, _NO_GENERATOR)
            yield Hook(Path(node.value).name, choices.keep_content(content))


def require_script(choices: Choices, node: Node, content: bytes) -> None:
    """Note a problem for each reason for which a hook's file is none that can be run."""
    for fact, remedy in script_faults(content):
        choices.note(node.position, f"hook {node.value!r} {fact}", remedy)


def script_faults(content: bytes) -> list[tuple[str, str]]:
    """Facts and remedies for the file of a hook. What is wrong with its commands, only its interpreter can say."""
    if content.startswith(b"\x7fELF"):
        return [("is a compiled program, and hooks are scripts", "put it into an overlay, and call it from a hook")]
    if content.startswith(b"\xef\xbb\xbf"):
        return [("starts with a byte order mark, which hides its first line", "save it as UTF-8 without one")]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [("is UTF-16, which no interpreter reads", "save it as UTF-8")]
    found = []
    if b"\r\n" in content:
        found.append(("has lines that end in CR LF, as on Windows", "convert it, with dos2unix or `sed -i 's/\\r$//'`"))
    first, _, rest = content.partition(b"\n")
    text = first.removesuffix(b"\r").decode(errors="replace")
    if odd := _OF_TERMINALS.search(text):
        fact = f"has the control character U+{ord(odd[0]):04X} in its first line, at column {odd.start() + 1}"
        found.append((fact, "remove it"))
    elif b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        found.append((f"has a NUL on line {line}", "remove it; scripts are text"))
    elif text.lstrip("\ufeff").startswith("#!") and printable(text) != text:
        found.append(("has characters in its first line that nobody sees", "write ASCII there"))
    elif text.startswith("#!"):
        found += _wrong_interpreter(text[2:].split())
    lines = (first, *rest.split(b"\n"))
    if not content.strip():
        found.append(("is empty", _NOTHING))
    elif not found and all(line.lstrip()[:1] in (b"", b"#") for line in lines):
        found.append(("has nothing but comments, so it does nothing", _NOTHING))
    return found


_NOTHING = "write what it is to do, or leave it out"


def _wrong_interpreter(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Fact and remedy for the ``words`` of a first line behind ``#!``, as execve(2) reads them."""
    if not words:
        yield "names no program in its first line", "write one, such as #!/bin/sh, or leave that line out"
    elif not words[0].startswith("/"):
        remedy = f"write #!/usr/bin/env {words[0].rpartition('/')[2]}"
        yield f"has {words[0]} in its first line, which is no whole path", remedy
    elif words[0].endswith("/env") and not any(word[0] != "-" and "=" not in word for word in words[1:]):
        yield "has env without a program in its first line", "write the program behind it"
    elif words[0].endswith("/env") and len(words) > 2 and words[1][0] != "-":
        remedy = f"write #!/usr/bin/env -S {' '.join(words[1:])}"
        yield f"has words behind {words[1]} in its first line, which env takes for a part of its name", remedy
    elif words[0].rpartition("/")[2] in _SHELLS and len(words) > 2:
        fact = f"has more than one word behind {words[0]} in its first line, which Linux makes one of"
        yield fact, "leave all but one out, and write `set` with the options below it"
    elif len(" ".join(words)) > _LONGEST_FIRST:
        yield f"has a first line of more than {_LONGEST_FIRST} characters, of which Linux reads no more", "shorten it"


_OF_TERMINALS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Control characters except tab and line feed."""
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "mksh", "fish")
_LONGEST_FIRST = 250
"""Characters behind #!: BINPRM_BUF_SIZE of Linux is 256."""
_GENERATOR = (
    rb"(?m)(?:^|[;&|({`!]|\b(?:then|do|else|if|while|until|exec|env|command|eval|eatmydata|ionice|nice|nohup|setsid"
    rb"|sudo|time|timeout|xargs)[ \t]|\b(?:ba|da)?sh[ \t]+-[a-z]*c[ \t]+[\"'])"
    rb"(?:[ \t]+|[A-Z_]+=\S*[ \t]|(?:-|[0-9])\S*[ \t])*"
    rb"(?:/usr)?(?:/s?bin/)?(update-initramfs|mkinitramfs|dracut|mkinitcpio)(?:[\s;&|)`\"']|$)"
)
"""For RE2: a line of a script that calls a generator of initramfses. Of what hides from this, hooks.sh finds the calls
by name."""
_NO_GENERATOR = "remove that; say what the initramfs needs with `initrd`, or in files of its generator's configuration"


def _is_plain(path: str) -> bool:
    return _CONTROL.search(path) is None


def _services(choices: Choices) -> Services:
    """The units of each kind. Notes a problem if one profile says two things of one."""
    from debate.steps.units import note_contradictions

    named: dict[str, dict[str, Place]] = {}
    """Unit -> verb -> where it is said last."""
    for verb in _VERBS:
        for number, name in enumerate(choices.data["services"][verb]):
            named.setdefault(unit_name.full(name), {})[verb] = choices.place(("services", verb, number))
    chosen: dict[str, set[str]] = {verb: set() for verb in _VERBS}
    if any(user["ssh_keys"] for user in choices.data["users"]):
        ssh = choices.distribution.SSH_UNIT
        if not any(other.partition(".")[0] == ssh.partition(".")[0] for other in named):  # such as its socket
            chosen["enable"].add(ssh)
    chosen["enable"].update(networking.units(choices, named))
    for name, verbs in named.items():
        if "enable" in verbs and len(verbs) > 1:
            other = next(verb for verb in _VERBS if verb in verbs and verb != "enable")
            choices.note(verbs[other], f"services: {name} is in enable and in {other}", "keep one")
        for verb in verbs:
            chosen[verb].add(name)
    note_contradictions(choices, named, files_of(choices).found)
    return Services(**{verb: tuple(sorted(units)) for verb, units in chosen.items()})


def make(work: Work) -> Report:
    """Record: output layer."""
    from debate.model import Supplies
    from debate.steps.work import epoch_of, layers_of

    contents, overlay = work.contents("contents"), work.slice(Slice)
    layers = tuple(layers_of(work.record("rootfs")))

    def supply() -> Supplies:
        return Supplies(contents=contents)

    making = locales.step(overlay, layers, work.tools)
    made = work.realise(making, supply).outputs["locales"] if making else None
    epoch = work.epoch(epoch_of(overlay))
    return work.finish(step(overlay, contents, layers, epoch, work.tools, made), supply)


def step(
    overlay: Slice,
    contents: Contents,
    layers: tuple[Artifact, ...],
    epoch: int,
    tools: Artifact,
    made: Artifact | None = None,
) -> Step:
    """Output: layer. ``contents`` has the bytes of all hooks; ``made`` the locales, if they are not made here."""
    from debate.model import Command, Step
    from debate.sandbox.image.lines import as_lines

    run = locales.COMMAND if made else None
    parameters = {
        "users": _users(overlay.users).encode(),
        "groups": as_lines(_owners(overlay.tree)),
        "permissions": as_lines(
            f"{each.mode}\t{each.owner or '-'}\t{each.group or '-'}\t{each.path}" for each in overlay.permissions
        ),
        "services": as_lines(f"{verb} {unit}" for verb in sorted(_VERBS) for unit in getattr(overlay.services, verb)),
        "commands": as_lines(" ".join(words) for words in overlay.commands if words != (run,)),
        "checks": as_lines(" ".join(words) for words in overlay.checks),
        "wanted": as_lines(wanted.lines(overlay.tree, overlay.permissions)),
        "triggers": as_lines("\t".join(words) for words in uses.triggers(overlay.tree) if words[0] != run),
        "interpreters": as_lines(map("\t".join, overlay.interpreters)),
        "cron": as_lines(map("\t".join, overlay.cron)),
        "unit-links": as_lines(map("\t".join, uses.unit_links(overlay.tree))),
        "units": as_lines(map("\t".join, uses.units(overlay.tree))),
        "readers": as_lines(map("\t".join, uses.readers(overlay.tree))),
        "leftovers": as_lines(wanted.REMOVED),
        "hooks": as_lines(hook.name for hook in overlay.hooks),
        "mksquashfs": as_lines(overlay.mksquashfs),
    }
    for number, hook in enumerate(overlay.hooks, 1):
        content = contents[hook.digest]
        if isinstance(content, Path):
            raise TypeError("the content of a hook is kept, not its path")
        parameters[f"hook/{number}"] = content
    # What is asked for is compared before hooks run, which may change all of it.
    packing: tuple[Command, ...] = (Command("arrived-pack.sh", pack_upper=True, show_layers=True),)
    if overlay.hooks:
        hooks = Command("hooks.sh", root="system", rights="system")
        packing = (Command("arrived.sh", show_layers=True), hooks, Command("squash.sh", pack_upper=True))
    return Step(
        name="overlay",
        commands=(Command("overlay.sh", root="system", rights="system"), *packing),
        outputs=("layer",),
        epoch=epoch,
        parameters=parameters,
        trees={"tree.tar": overlay.tree},
        inputs={"locales": made} if made else {},
        layers=layers,
        tools=tools,
    )


def _users(users: Iterable[User]) -> str:
    """Lines of name:uid:shell:groups:full name:password hash. No field can contain a colon."""
    return "".join(
        f"{user.name}:{'' if user.uid is None else user.uid}:{user.shell}:"
        f"{','.join(user.groups)}:{user.full_name}:{user.password}\n"
        for user in users
    )


def _owners(tree: Iterable[Entry]) -> list[str]:
    """Users and groups that must exist before the tree is unpacked."""
    lines = {f"passwd {entry.owner}" for entry in tree} | {f"group {entry.group}" for entry in tree}
    return sorted(line for line in lines if not (line.isascii() and line.split()[1].isdigit()))


RULE = Rule(
    name="overlay",
    doc="add users, files, services and hooks: the upper layer",
    make=make,
    slice=Slice,
    slices=("epoch",),
    needs=("rootfs", "contents", "epoch"),
    tools=True,
    rights=("system", "data"),
    outputs=("layer",),
    has_shell=True,
)
