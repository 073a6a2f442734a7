"""The page of the last and the next 24 hours of all jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..schedule.lanes import Lane
from ..schedule.status import JobStatus, Overview
from . import svg_timeline
from .html import Element, Node, tag
from .page import Link, Part, kind_of, linked
from .times import clock

ON_A_PAGE = 50
"""The most jobs on a page: each has two days of runs."""


def body(
    overview: Overview, jobs: Sequence[JobStatus], lanes: Mapping[str, Lane], link: Link
) -> list[Node]:
    """A lane for each of *jobs*, below one axis."""
    if not jobs:
        return [tag("p", "There are no jobs.", class_="empty")]
    now, zone = overview.now, overview.zone
    ends = (now - svg_timeline.SPAN, now + svg_timeline.SPAN)
    hours = svg_timeline.hours(now, zone)
    first, last = (clock(end.replace(second=0), zone) for end in ends)
    return [
        tag("p", f"From {first} to {last}, {zone}; now is in the middle.", class_="soft"),
        svg_timeline.key(),
        tag(
            "div",
            tag("div", tag("span", "Job", class_="soft")),
            tag("div", svg_timeline.axis(now, zone), class_="lane"),
            *(part for each in jobs for part in _lane(each, now, lanes, hours, link)),
            class_="lanes",
        ),
    ]


def _lane(
    each: JobStatus, now: datetime, lanes: Mapping[str, Lane], hours: Element, link: Link
) -> tuple[Element, Element]:
    name = each.job.app_name
    found = lanes.get(name, Lane((), (), ()))
    picture = svg_timeline.lane(name, found, now, hours)
    return (
        tag("div", linked(name, link), class_=kind_of(each.state), title=name),
        tag("div", picture, class_="lane"),
    )


def more(part: Part) -> Element | None:
    """The links to the jobs that are not shown."""
    return part.more(lambda number: f"timeline?page={number}")
