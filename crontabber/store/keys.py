"""The keys of advisory locks, made from names."""


def hashed(name: str) -> int:
    """The key of the advisory lock of this name: 64 bits of its SHA-256."""
    import hashlib  # only needed for claims

    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
