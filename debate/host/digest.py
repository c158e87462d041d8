"""The quick digest by which change is detected. It names nothing: identity is SHA-256, see `debate.keys`."""

from __future__ import annotations


def xxh3(path: str) -> str:
    """The xxh3-128 of a file's content in hex."""
    import xxhash

    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
