"""The one row of ``access`` in health.sql: the rights of a role, and the log's numbers."""

from ..errors import StoreError
from ..schedule.findings import Access
from .numbers import LogNumbers
from .rows import Row


def access_of(row: Row, role: str) -> Access:
    """The *row* as a value; a `StoreError` if there is no such *role*."""
    standby, read_only, name, lacking, only_reads, row_security, zone, *numbers = row
    if name is None:
        raise StoreError(f"there is no role {role!r} on the server: correct nagios_role")
    return Access(
        standby=standby,
        read_only=read_only and not standby,
        role=name,
        lacking=lacking,
        only_reads=only_reads and bool(lacking),
        row_security=row_security,
        zone=zone,
        log_numbers=LogNumbers(*numbers).warning(),
    )
