"""What the overlay step's script is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from debate import keys
from debate.model import Artifact
from debate.steps import overlay, wanted
from debate.steps.work import typed

SLICE: dict[str, Any] = {
    "users": [
        {"name": "live", "uid": 1000, "full_name": "A", "groups": ["adm", "sudo"], "shell": "/bin/sh", "password": "!"},
        {"name": "next", "uid": None, "full_name": "", "groups": [], "shell": "/bin/bash", "password": ""},
    ],
    "tree": [
        {"path": "/a", "type": "file", "digest": keys.sha256(b"a"), "mode": "0644", "owner": "live", "group": "12"},
    ],
    "permissions": [{"mode": "0600", "owner": "live", "group": "adm", "path": "/a b"}],
    "services": {"enable": ["ssh.service"], "disable": [], "mask": ["x.timer"]},
    "commands": [["locale-gen"]],
    "checks": [["locale", "de_DE.UTF-8"]],
    "interpreters": [["perl", "/a"]],
    "cron": [["/etc/cron.d/a.b", "is odd", "rename it"]],
    "hooks": [{"name": "h.sh", "digest": keys.sha256(b"echo\n")}],
    "mksquashfs": ["-comp", "zstd"],
}  # fmt: skip


def test_golden() -> None:
    contents = {keys.sha256(b"echo\n"): b"echo\n", keys.sha256(b"a"): b"a"}
    step = overlay.step(
        typed(SLICE, overlay.Slice, Path()), contents, (Artifact("sha256:l", 1),), 5, Artifact("sha256:b", 1)
    )
    assert step.parameters == {
        "users": b"live:1000:/bin/sh:adm,sudo:A:!\nnext::/bin/bash:::\n",
        "groups": b"passwd live\n",
        "permissions": b"0600\tlive\tadm\t/a b\n",
        "services": b"enable ssh.service\nmask x.timer\n",
        "commands": b"locale-gen\n",
        "checks": b"locale de_DE.UTF-8\n",
        "wanted": b"/a\tfile\t0644\tlive\t12\t%b\n/a b\t-\t0600\tlive\tadm\t-\n" % keys.sha256(b"a")[7:].encode(),
        "interpreters": b"perl\t/a\n",
        "triggers": b"",
        "unit-links": b"",
        "units": b"",
        "readers": b"",
        "cron": b"/etc/cron.d/a.b\tis odd\trename it\n",
        "leftovers": "".join(f"{path}\n" for path in wanted.REMOVED).encode(),
        "hooks": b"h.sh\n",
        "hook/1": b"echo\n",
        "mksquashfs": b"-comp\nzstd\n",
    }
    assert [(c.script, c.root, c.rights) for c in step.commands] == [
        ("overlay.sh", "system", "system"),
        ("arrived.sh", "tools", "data"),
        ("hooks.sh", "system", "system"),
        ("squash.sh", "tools", "data"),
    ]
    assert step.outputs == ("layer",)
    assert step.epoch == 5
