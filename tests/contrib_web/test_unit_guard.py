"""The door to the pages: who gets in, by which way, and what a browser is told."""

import itertools
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from crontabber.contrib.web.policy import Policy, host_name
from crontabber.errors import ConfigError
from tests.contrib_web.people import OWN, client, log_in, settings, write_users

READING = ("GET", "HEAD")
METHODS = (*READING, "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
ORIGINS = {
    "ours": {"Origin": "http://testserver"},
    "none": {},
    "null": {"Origin": "null"},
    "other port": {"Origin": "http://testserver:8080"},
    "stranger": {"Origin": "http://evil.example"},
    "a longer name": {"Origin": "http://testserver.evil.example"},
    "no address": {"Origin": "testserver"},
    "a file": {"Origin": "file://testserver"},
}
SITES = {
    "ours": {"Sec-Fetch-Site": "same-origin"},
    "none": {},
    "typed": {"Sec-Fetch-Site": "none"},
    "neighbour": {"Sec-Fetch-Site": "same-site"},
    "stranger": {"Sec-Fetch-Site": "cross-site"},
    "nonsense": {"Sec-Fetch-Site": "same-origin, cross-site"},
}


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return write_users(tmp_path / "users", vera="viewer", olga="operator")


def policy(**changes: Any) -> Policy:
    return Policy.of(settings(**changes))


@pytest.mark.parametrize("method", METHODS)
def test_read_only_means_get_and_head_and_nothing_else(method: str) -> None:
    answer = client(policy()).request(method, "/act", headers=OWN)
    if method in READING:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("method", METHODS)
def test_read_only_holds_for_operators_too(method: str, users: Path) -> None:
    browser = client(policy(users=str(users)))
    assert log_in(browser, "olga").status_code == 303
    answer = browser.request(method, "/act", headers=OWN)
    assert answer.status_code == (200 if method in READING else 405)


@pytest.mark.parametrize("method", METHODS)
def test_where_it_is_writable_only_forms_are_sent(method: str, users: Path) -> None:
    browser = client(policy(users=str(users), writable=True))
    log_in(browser, "olga")
    answer = browser.request(method, "/act", headers=OWN)
    assert answer.status_code == (200 if method in (*READING, "POST") else 405)


@pytest.mark.parametrize(("origin", "site"), [*itertools.product(ORIGINS, SITES)])
def test_a_write_comes_from_a_page_of_ours(origin: str, site: str, users: Path) -> None:
    browser = client(policy(users=str(users), writable=True))
    log_in(browser, "olga")
    answer = browser.post("/act", headers={**ORIGINS[origin], **SITES[site]})
    says = {origin, site}
    assert answer.status_code == (200 if says <= {"ours", "none"} and "ours" in says else 403)


@pytest.mark.parametrize("who", ["olga", "vera", ""])
@pytest.mark.parametrize("writable", [True, False])
def test_only_an_operator_writes_and_only_where_that_is_allowed(
    who: str, writable: bool, users: Path
) -> None:
    browser = client(policy(users=str(users), writable=writable))
    if who:
        log_in(browser, who)
    answer = browser.post("/act", headers=OWN)
    assert answer.status_code == ((200 if who == "olga" else 403) if writable else 405)
    page = browser.get("/")
    if who:
        assert page.text.endswith(str(who == "olga" and writable))
    else:
        assert page.headers["Location"] == "/login?next=/"


def test_a_stranger_is_sent_to_the_login_and_back(users: Path) -> None:
    browser = client(policy(users=str(users)))
    sent = browser.get("/?q=a b&state=failed")
    assert sent.status_code == 303
    form = browser.get(sent.headers["Location"])
    assert 'value="/?q=a%20b&amp;state=failed"' in form.text
    back = log_in(browser, "vera", next="/?q=a%20b&state=failed")
    assert (back.status_code, back.headers["Location"]) == (303, "./?q=a%20b&state=failed")


@pytest.mark.parametrize(
    "to", ["//evil.example/", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_a_login_leads_to_no_other_site(to: str, users: Path) -> None:
    answer = log_in(client(policy(users=str(users))), "vera", next=to)
    assert answer.headers["Location"].startswith("./")


def test_what_a_script_asks_for_is_not_sent_to_the_login(users: Path) -> None:
    browser = client(policy(users=str(users)))
    assert browser.get("/", headers={"Sec-Fetch-Dest": "empty"}).status_code == 401
    assert browser.get("/static/a.css", headers={"Sec-Fetch-Dest": "style"}).status_code == 200


def test_a_login_comes_from_our_page_too(users: Path) -> None:
    browser = client(policy(users=str(users)))
    data = {"name": "vera", "password": "pw-vera"}
    assert browser.post("/login", data=data).status_code == 403
    evil = {"Origin": "http://evil.example"}
    assert browser.post("/login", data=data, headers=evil).status_code == 403


def test_every_answer_says_what_a_browser_may_do_with_it(users: Path) -> None:
    browser = client(policy(users=str(users), writable=True))
    answers = [browser.get("/"), browser.get("/login"), browser.post("/act"), browser.put("/act")]
    log_in(browser, "olga")
    answers += [browser.get("/"), browser.get("/nothing"), browser.get("/fail")]
    for answer in answers:
        policies = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policies
        assert "frame-ancestors 'none'" in policies
        assert "unsafe" not in policies
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        # a form's page needs its own address as the referrer: else Origin is "null"
        expected = "same-origin" if answer.url.path == "/login" else "no-referrer"
        assert answer.headers["Referrer-Policy"] == expected


def test_a_page_cannot_loosen_what_the_door_says() -> None:
    async def loose(_request: Any) -> Response:
        headers = {"Content-Security-Policy": "default-src *", "X-Frame-Options": "ALLOW"}
        return Response("", headers={**headers, "Cache-Control": "max-age=60"})

    answer = client(policy(), Route("/loose", loose)).get("/loose")
    assert answer.headers.get_list("Content-Security-Policy") == [
        answer.headers["Content-Security-Policy"]
    ]
    assert "*" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "max-age=60"  # such as a style sheet's


def test_a_fault_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "crontabber"):
        answer = client(policy(), raise_server_exceptions=False).get("/fail")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert "hunter2" in caplog.text


def test_what_is_refused_is_a_page_for_a_browser_and_leads_strangers_nowhere() -> None:
    answer = client(policy()).put("/", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["content-type"]) == (405, "text/html; charset=utf-8")
    assert "That cannot be done here." in answer.text
    assert "timeline" not in answer.text


def test_what_is_too_large_is_not_read(users: Path) -> None:
    browser = client(policy(users=str(users), writable=True))
    log_in(browser, "olga")
    assert browser.post("/act", content=b"x" * 65536, headers=OWN).text == "did 65536"
    assert browser.post("/act", content=b"x" * 65537, headers=OWN).status_code == 413
    chunks = (b"x" * 1024 for _ in range(1024))
    assert browser.post("/act", content=chunks, headers=OWN).status_code == 413


# -- the name of the pages ---------------------------------------------------------------


def reached(at: str, host: str, hosts: tuple[str, ...] = ()) -> int:
    app = client(policy(hosts=hosts)).app

    async def there(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "server": (at, 8008)}, receive, send)

    return int(TestClient(there).get("/", headers={"Host": host}).status_code)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8008", "127.0.0.1:8008", "[::1]:8008", "LocalHost", "cron.lan"]
)
def test_on_loopback_the_pages_have_these_names(host: str) -> None:
    assert reached("127.0.0.1", host, ("cron.lan",)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "localhost/evil",
        "localhost:80:80",
        "localhost:x",
        "0.0.0.0",
        "[::2]",
        "",
    ],
)
def test_on_loopback_they_have_no_other(host: str) -> None:
    """trap: a stranger's page gives its own name our address, and reads what is there"""
    assert reached("127.0.0.1", host) == 421
    assert reached("::1", host, ("cron.lan",)) == 421


def test_elsewhere_any_name_will_do_unless_some_are_given() -> None:
    assert reached("10.0.0.5", "cron.example.org") == 200
    assert reached("10.0.0.5", "cron.example.org", ("cron.lan",)) == 421
    assert host_name("Cron.Example.Org.:8008") == "cron.example.org"


# -- where it may listen -------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.5", "cron.example.org"])
def test_it_does_not_listen_to_other_hosts_without_users(address: str, users: Path) -> None:
    with pytest.raises(ConfigError, match="can be reached from other hosts"):
        Policy.of(settings(), address)
    assert Policy.of(settings(users=str(users)), address).needs_user


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.0.1.1"])
def test_it_listens_to_this_host_without_users(address: str) -> None:
    assert not Policy.of(settings(), address).needs_user


def test_it_is_not_writable_without_users() -> None:
    with pytest.raises(ConfigError, match="there are no users: add a user with --add-user"):
        Policy.of(settings(writable=True), "127.0.0.1")


def test_a_file_without_users_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no users in"):
        Policy.of(settings(users=str(write_users(tmp_path / "users"))), "127.0.0.1")


# -- a proxy -------------------------------------------------------------------------------

PROXY = {"proxy_user_header": "x-remote-user", "proxy_trusted": ("10.1.0.0/16", "::1")}


def through(address: str, headers: Any, **changes: Any) -> tuple[int, str]:
    made = policy(**{**PROXY, "proxy_operators": ("olga",), **changes})
    answer = client(made, client=(address, 1234)).get("/", headers=headers)
    return answer.status_code, answer.text


def test_a_proxy_that_is_trusted_says_who_is_there() -> None:
    status, text = through("10.1.2.3", {"X-Remote-User": "olga"}, writable=True)
    assert status == 200
    assert "olga" in text
    assert text.endswith("True")
    status, text = through("::ffff:10.1.2.3", {"X-Remote-User": "vera"}, writable=True)
    assert status == 200
    assert text.endswith("False")


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("10.2.0.1", {"X-Remote-User": "olga"}),
        ("testclient", {"X-Remote-User": "olga"}),
        ("10.1.2.3", {}),
        ("10.1.2.3", {"X-Remote-User": ""}),
        ("10.1.2.3", {"X-Remote-User": "ol ga"}),
        ("10.1.2.3", {"X-Remote-User": "<b>"}),
        ("10.1.2.3", [("X-Remote-User", "vera"), ("X-Remote-User", "olga")]),
        ("10.2.0.1", {"X-Remote-User": "olga", "X-Forwarded-For": "10.1.2.3"}),
    ],
)
def test_no_other_does(address: str, headers: Any) -> None:
    assert through(address, headers)[0] == 403


def test_a_header_is_not_believed_without_an_address_to_come_from() -> None:
    with pytest.raises(ConfigError, match="proxy_trusted"):
        policy(proxy_user_header="x-remote-user")


def test_a_write_through_a_proxy_comes_from_a_page_of_ours_too() -> None:
    made = policy(**PROXY, proxy_operators=("olga",), writable=True)
    browser = client(made, client=("10.1.2.3", 1))
    user = {"X-Remote-User": "olga"}
    assert browser.post("/act", headers={**user, **OWN}).status_code == 200
    assert browser.post("/act", headers=user).status_code == 403
    # TLS ends at the proxy, which passes on the name
    https = {**user, "Origin": "https://testserver"}
    assert browser.post("/act", headers=https).status_code == 200


@pytest.mark.parametrize(
    ("peer", "way", "address"),
    [
        ("10.1.0.1", "8.8.8.8", "8.8.8.8"),
        ("10.1.0.1", "1.1.1.1, 8.8.8.8, 10.1.0.2", "8.8.8.8"),
        ("9.9.9.9", "8.8.8.8", "9.9.9.9"),
        ("10.1.0.1", "", "10.1.0.1"),
    ],
)
def test_the_address_of_a_browser_is_what_the_last_trusted_proxy_says(
    peer: str, way: str, address: str
) -> None:
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", way.encode())]}
    assert policy(**PROXY).address_of(scope) == address
