"""The keys of advisory locks, made from names."""


def hashed(name: str) -> int:
    """The key of the advisory lock of this name: 64 bits of its SHA-256."""
    import hashlib  # only needed for claims

    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def key_of_job(table: int, app_name: str) -> int:
    """The advisory lock of a job: its name, and the number of the table that it is in."""
    return hashed(f"{table}:{app_name}")


def shared_key(table: int, lock: str) -> int:
    """The advisory lock that jobs share, which is never that of a job."""
    return hashed(f"lock:{table}:{lock}")
