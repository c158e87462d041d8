"""`doit verify:NAME` shows where a build cannot be repeated; that one can, its base too, the test of `every` sees."""

from __future__ import annotations

from tests.integration.checkout import Checkout


def test_a_hook_that_asks_the_clock(elsewhere: Checkout) -> None:
    """The first step that differs is named, and the file in it; all before it are the same again.

    So an installed debate makes the same bytes as a checkout, in sandboxes of its own.
    """
    checkout = elsewhere
    (checkout.directory / "profiles" / "hook.sh").write_text("date +%s%N > /etc/built-at\n")
    checkout.profile("mine", "extends: minimal\nhooks: [hook.sh]\n")
    said = checkout.doit("verify:mine", status=1)
    assert "verify:mine: overlay is not reproducible: its result differs, although its inputs are the same" in said
    assert "output layer differs:" in said
    assert "first/etc/built-at" in said
    kept = checkout.output("mine", "verify")
    assert {path.name for path in kept.iterdir()} == {
        "overlay.layer.first", "overlay.layer.second", "overlay.layer.txt",
    }  # fmt: skip
    assert (kept / "overlay.layer.first").read_bytes() != (kept / "overlay.layer.second").read_bytes()
