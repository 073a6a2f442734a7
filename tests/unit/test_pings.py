"""The form of a ping, by the service that it is for."""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from crontabber.reporters.pings import Ping, receiver_of, request_of, style_of
from crontabber.schedule.model import LastError, Outcome, Run

NOW = datetime(2026, 11, 24, 3, tzinfo=timezone.utc)
ERROR = LastError("<class 'ValueError'>", "no", "Traceback …\nValueError: no\n")
GOOD = Run("my-app", NOW, NOW, timedelta(seconds=1.5), Outcome.SUCCEEDED, "host")
BAD = GOOD._replace(outcome=Outcome.FAILED, error=ERROR)
RID = "0d6b1c4e-5e5d-4a7e-8f0c-1b8a4d1f2c3d"


def asked(url, state, run=None, **more):
    request = request_of(Ping(url, **more), "my-app", state, run, RID)
    if request is None:
        return None
    parts = urlsplit(request.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return request.method, f"{parts.scheme}://{parts.netloc}{parts.path}", query, request.body


HC = "https://hc-ping.com/4f1c1a10"


def test_healthchecks_is_the_usual_form():
    assert asked(HC, "start") == ("GET", f"{HC}/start", {"rid": RID}, None)
    assert asked(HC, "success", GOOD) == ("GET", HC, {"rid": RID}, None)
    method, url, query, body = asked(HC, "fail", BAD)
    assert (method, url, query) == ("POST", f"{HC}/fail", {"rid": RID})
    assert body.decode().endswith("ValueError: no\n")


def test_the_end_of_the_output_goes_along():
    _, _, _, body = asked(HC, "success", GOOD._replace(output="x" * 20_000 + "end"))
    assert len(body) == 10_000
    assert body.endswith(b"xend")


def test_job_and_state_have_their_places():
    url = "https://example.org/{job}/{state}?key=1"
    assert asked(url, "fail") == ("GET", "https://example.org/my-app/fail", {"key": "1"}, None)
    assert (
        asked("https://hc-ping.com/key/{job}", "start")[1] == "https://hc-ping.com/key/my-app/start"
    )
    request = request_of(Ping("https://hc-ping.com/key/{job}"), "my app/2", "success")
    assert request
    assert request.url == "https://hc-ping.com/key/my%20app%2F2"


def test_a_query_stays_behind_the_path():
    assert asked("https://example.org/ping?key=1", "fail")[1:3] == (
        "https://example.org/ping/fail",
        {"key": "1", "rid": RID},
    )


def test_cronitor():
    url = "https://cronitor.link/p/KEY/my-app"
    method, path, query, body = asked(url, "fail", BAD)
    assert (method, path, body) == ("GET", url, None)
    host = query.pop("host")
    assert host
    assert query == {
        "state": "fail",
        "series": RID,
        "metric": "duration:1.500",
        "message": "ValueError: no",
    }
    assert asked(url, "start")[2]["state"] == "run"
    assert asked(url, "success", GOOD)[2]["state"] == "complete"


def test_better_stack():
    url = "https://uptime.betterstack.com/api/v1/heartbeat/T0KEN"
    assert asked(url, "start") is None, "it knows no start"
    assert asked(url, "success", GOOD) == ("GET", url, {}, None)
    assert asked(url, "fail", BAD)[:2] == ("POST", f"{url}/fail")


def test_dead_mans_snitch():
    url = "https://nosnch.in/c2354d53d2"
    assert asked(url, "start") is None
    assert asked(url, "success", GOOD) == ("GET", url, {}, None)
    assert asked(url, "fail", BAD) == ("GET", url, {"s": "1", "m": "ValueError: no"}, None)


@pytest.mark.parametrize(
    ("url", "style"),
    [
        ("https://cronitor.io/ping/x", "cronitor"),
        ("https://uptime.betterstack.com/x", "betterstack"),
        ("https://betteruptime.com/x", "betterstack"),
        ("https://nosnch.in/x", "deadmanssnitch"),
        ("https://hc.example.org/ping/x", "healthchecks"),
        ("https://notcronitor.io/x", "healthchecks"),
    ],
)
def test_the_form_is_known_by_the_host(url, style):
    assert style_of(url) == style


def test_a_named_form_wins():
    assert asked("https://proxy.example.org/x", "fail", BAD, style="deadmanssnitch")[2]["s"] == "1"


def test_who_is_pinged_is_said_without_the_key():
    assert receiver_of("https://user:key@hc-ping.com:8000/key?key=1") == "hc-ping.com:8000"
