"""The jobs list as parameters of a statement: a hundred thousand lines, in few bytes."""

from collections.abc import Sequence
from typing import Any

from ..schedule.grammar import JobLine
from ..schedule.model import plan_text
from .rows import array_text


def schedule_parameters(lines: Sequence[JobLine]) -> dict[str, Any]:
    """The jobs list as the parameters of ``look_for_due``.

    Each schedule is sent once, with the numbers of the lines that have it: lines share few,
    and mostly the very object. A plan that ends in a blank is completed by the zone of the
    schedules.
    """
    schedules = {id(line.schedule): line.schedule for line in lines}
    numbers = {key: str(number) for number, key in enumerate(schedules, 1)}
    return {
        "class_paths": array_text([line.class_path for line in lines]),
        "schedules": "{" + ",".join([numbers[id(line.schedule)] for line in lines]) + "}",
        "plans": array_text([plan_text(each, "") for each in schedules.values()]),
        "periods": array_text(each.frequency.period.total_seconds() for each in schedules.values()),
    }
