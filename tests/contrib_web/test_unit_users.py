"""The file of users, sessions, and those who guess passwords."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from starlette.testclient import TestClient

from crontabber.contrib.web import sessions, throttle
from crontabber.contrib.web.policy import Policy
from crontabber.contrib.web.sessions import COOKIE, LASTS, Sessions
from crontabber.contrib.web.throttle import Throttle
from crontabber.contrib.web.users import Password, Role, User, UsersFile, parse_entry
from crontabber.errors import ConfigError
from tests.contrib_web.people import client, log_in, quick, settings, users_file, write_users


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_users(tmp_path / "users", vera="viewer", olga="operator")


@pytest.fixture
def browser(path: Path) -> TestClient:
    return client(Policy.of(settings(users=str(path), writable=True)))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has the monotonic clock stand still; what is called puts it forward."""
    now = [1000.0]
    for module in (throttle, sessions):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def forward(seconds: float) -> None:
        now[0] += seconds

    return forward


# -- passwords ---------------------------------------------------------------------------


def test_a_hash_says_how_it_was_made_and_reads_itself_back() -> None:
    made = quick("secret")
    assert str(made).startswith("scrypt$2$1$1$")
    again = Password.parse(str(made))
    assert again == made
    assert again.fits("secret")
    assert not again.fits("Secret")
    assert "secret" not in str(made)
    assert str(quick("secret")) != str(made)  # other salt


def test_a_new_hash_costs_32_megabytes_and_some_time() -> None:
    began = time.perf_counter()
    made = Password.of("secret")
    assert time.perf_counter() - began > 0.03
    assert (made.cost, made.block, made.parallel) == (15, 8, 3)
    assert len(made.salt) == 16
    assert len(made.digest) == 32


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    assert quick("caf\u00e9").fits("cafe\u0301")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "md5$2$1$1$AAAA$AAAA",
        "scrypt$2$1$1$AAAAAAAAAAAAAAAAAAAAAA==$",
        "scrypt$2$1$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAA",
        "scrypt$30$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$20$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$0$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$-1$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$x$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$2$1$1$%%%$AAAA",
    ],
)
def test_what_is_no_hash_is_refused_before_it_costs_anything(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Password.parse(text)


def test_a_user_that_is_unknown_costs_the_same_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    original = Password._hash

    def counted(self: Password, word: str) -> bytes:
        hashed.append(self.work)
        return original(self, word)

    monkeypatch.setattr(Password, "_hash", counted)
    users = users_file(path)
    assert users.check("olga", "pw-olga") == User("olga", Role.OPERATOR)
    assert users.check("olga", "wrong") is None
    assert users.check("mallory", "pw-olga") is None
    assert len(hashed) == 3
    assert len({*hashed}) == 1


# -- the file ----------------------------------------------------------------------------


def test_what_others_may_write_is_no_file_of_users(path: Path, browser: TestClient) -> None:
    log_in(browser, "olga")
    for mode in (0o620, 0o602, 0o666):
        path.chmod(mode)
        with pytest.raises(ConfigError, match=f"run chmod go-w {path}"):
            users_file(path).entries()
        assert browser.get("/").status_code == 503  # an older reading lets no user in
    path.chmod(0o640)
    assert browser.get("/").status_code == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_none(path: Path) -> None:
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigError, match="another user's"):
        users_file(path).entries()


@pytest.mark.parametrize(
    "line",
    [
        "olga",
        "olga:operator",
        "olga:root:scrypt$2$1$1$AAAA$AAAA",
        "<b>:viewer:scrypt$2$1$1$AAAA$AAAA",
        "a b:viewer:x",
        "\x00",
    ],
)
def test_a_line_that_is_none_is_named_and_not_quoted(line: str, path: Path) -> None:
    path.write_text(f"# users\n\n{line}\n")
    with pytest.raises(ConfigError, match="line 3: this is not name:role:scrypt") as caught:
        users_file(path).entries()
    assert line not in str(caught.value).replace("name:role:scrypt", "")


def test_a_user_who_is_there_twice_is_a_fault(path: Path) -> None:
    path.write_text(path.read_text() + path.read_text())
    with pytest.raises(ConfigError, match="line 3: vera is there twice"):
        users_file(path).entries()


def test_what_is_no_file_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--add-user=NAME makes one"):
        users_file(tmp_path / "none").entries()
    with pytest.raises(ConfigError, match="is not a file of users"):
        users_file(tmp_path).entries()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is not a file of users"):
        users_file(tmp_path / "pipe").entries()


def test_writing_keeps_the_rest_and_lets_no_one_else_read(path: Path) -> None:
    path.write_text(f"# ours\n{path.read_text()}")
    path.chmod(0o644)
    users = UsersFile(str(path))
    users.put("olga", None, quick("another"))
    users.put("nina", None, quick("new"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("# ours\nvera:viewer:")
    roles = {name: entry.user.role for name, entry in users.entries().items()}
    assert roles == {"vera": Role.VIEWER, "olga": Role.OPERATOR, "nina": Role.VIEWER}
    assert users.check("olga", "another")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_link_is_followed_and_stays(path: Path) -> None:
    link = path.parent / "link"
    link.symlink_to(path)
    UsersFile(str(link)).put("nina", Role.OPERATOR, quick("new"))
    assert link.is_symlink()
    assert "nina" in users_file(path).entries()


def test_a_line_reads_itself_back(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert str(parse_entry(line)) == line


# -- sessions ----------------------------------------------------------------------------


def test_a_cookie_is_for_this_site_and_no_script(browser: TestClient) -> None:
    said = log_in(browser, "vera").headers["Set-Cookie"]
    assert "HttpOnly" in said
    assert "SameSite=strict" in said
    assert "Path=/" in said
    assert f"Max-Age={LASTS}" in said
    assert "Secure" not in said


def test_by_https_a_cookie_is_secure(path: Path) -> None:
    made = Policy.of(settings(users=str(path), proxy_trusted=("10.0.0.1",)))
    assert made.trusted
    https = TestClient(client(made).app, base_url="https://testserver", follow_redirects=False)
    form = {"name": "vera", "password": "pw-vera"}
    said = https.post("/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert "Secure" in said.headers["Set-Cookie"]
    proxied = client(made, client=("10.0.0.1", 1))
    headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "https"}
    said = proxied.post("/login", data=form, headers=headers)
    assert "Secure" in said.headers["Set-Cookie"]


def test_a_session_ends_with_a_working_day(path: Path) -> None:
    made = Sessions(users_file(path))
    with time_machine.travel("2026-11-21T08:00:00Z", tick=False) as travel:
        text = made.begin(User("olga", Role.OPERATOR))
        travel.shift(LASTS)
        assert made.user_of(text) == User("olga", Role.OPERATOR)
        travel.shift(1)
        assert made.user_of(text) is None


def test_who_logs_out_is_out_with_every_copy_of_the_cookie(browser: TestClient) -> None:
    log_in(browser, "olga")
    copy = browser.cookies[COOKIE]
    answer = browser.post("/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "./login")
    assert COOKIE not in browser.cookies
    assert browser.get("/", headers={"Cookie": f"{COOKIE}={copy}"}).status_code == 303


def test_what_was_logged_out_is_forgotten_when_it_would_have_ended(
    path: Path, clock: Callable[[float], None]
) -> None:
    made = Sessions(users_file(path))
    made.end(made.begin(User("olga", Role.OPERATOR)))
    clock(LASTS + 1)
    made.end(made.begin(User("olga", Role.OPERATOR)))
    assert len(made._ended) == 1


def test_another_password_or_role_ends_the_sessions_of_a_user(path: Path) -> None:
    made, users = Sessions(users_file(path)), users_file(path)
    olga, vera = (made.begin(User(name, Role.VIEWER)) for name in ("olga", "vera"))
    users.put("olga", Role.VIEWER, quick("pw-olga"))
    assert made.user_of(olga) is None
    assert made.user_of(vera) == User("vera", Role.VIEWER)
    again = made.begin(User("olga", Role.VIEWER))
    users.put("olga", None, quick("another"))
    assert made.user_of(again) is None
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))  # without vera
    assert made.user_of(vera) is None


def test_a_cookie_that_was_made_by_another_is_none(path: Path, browser: TestClient) -> None:
    made = Sessions(users_file(path))
    text = made.begin(User("vera", Role.VIEWER))
    name, _, rest = text.partition(":")
    forged = [
        "",
        "vera",
        "olga:" + rest,
        "olga" + text[len(name) :],
        text[:-9] + ("A" if text[-9] != "A" else "B") + text[-8:],
        text + "A",
        text.rpartition(".")[0],
        text.replace(".", "..", 1),
        "vera:x.AAAAAA.AAAA",
        ":" * 100,
        "vera:" + "x" * 5000,
        "\u00e9",
        "vera:\udcff",
    ]
    for each in forged:
        assert made.user_of(each) is None, each
    for each in filter(str.isascii, forged):
        header = {"Cookie": f"{COOKIE}={each}"}
        assert browser.get("/", headers=header).status_code == 303, each
    assert browser.get("/", headers={"Cookie": f"{COOKIE}={text}"}).status_code == 200
    elsewhere = write_users(path.parent / "elsewhere", vera="viewer")
    assert Sessions(users_file(elsewhere)).user_of(text) is None


@pytest.mark.parametrize("cookies", ["", "=", ";;;", "a=b; " * 2000, f"{COOKIE}=\x7f", '"'])
def test_cookies_that_are_none_are_no_fault(cookies: str, browser: TestClient) -> None:
    assert browser.get("/", headers={"Cookie": cookies}).status_code == 303


# -- those who guess ----------------------------------------------------------------------


def test_who_guesses_waits_longer_and_longer(clock: Callable[[float], None]) -> None:
    made = Throttle()
    assert [made.attempt("olga", "10.0.0.1") for _ in range(5)] == [0.0] * 5
    waits = []
    for _ in range(12):
        waits.append(made.attempt("olga", "10.0.0.1"))
        assert made.attempt("olga", "10.0.0.1") == waits[-1]  # to ask again costs no more
        clock(waits[-1])
        assert made.attempt("olga", "10.0.0.1") == 0.0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_user_is_guessed_at_slowly_from_many_addresses(clock: Callable[[float], None]) -> None:
    made = Throttle()
    waits = [made.attempt("olga", f"10.0.0.{n}") for n in range(10)]
    assert waits[:5] == [0.0] * 5
    assert all(waits[5:])


def test_a_user_is_locked_out_for_a_minute_at_most(clock: Callable[[float], None]) -> None:
    made = Throttle()
    for n in range(100):
        made.attempt("olga", f"10.0.{n}.1")
        clock(60)
    assert made.attempt("olga", "10.1.0.1") <= 60


def test_an_address_guesses_slowly_at_many_users(clock: Callable[[float], None]) -> None:
    made = Throttle()
    waits = [made.attempt(f"user{n}", "2001:db8::1") for n in range(5)]
    assert not any(waits)
    assert made.attempt("another", "2001:db8::2")  # the same network
    assert not made.attempt("another", "2001:db8:1::1")


def test_an_own_password_buys_no_more_guesses(clock: Callable[[float], None]) -> None:
    made = Throttle()
    for n in range(5):
        assert not made.attempt(f"user{n}", "10.0.0.1")
    clock(1)
    assert not made.attempt("mallory", "10.0.0.1")
    made.succeeded("mallory", "10.0.0.1")
    assert made.attempt("olga", "10.0.0.1")


def test_who_mistyped_and_got_in_begins_anew(clock: Callable[[float], None]) -> None:
    made = Throttle()
    for _ in range(4):
        made.attempt("olga", "10.0.0.1")
    assert not made.attempt("olga", "10.0.0.1")
    made.succeeded("olga", "10.0.0.1")
    assert not made.attempt("olga", "10.0.0.2")


def test_its_memory_is_bounded(clock: Callable[[float], None]) -> None:
    made = Throttle(most=10)
    for n in range(1000):
        made.attempt(f"user{n}" + "x" * 5000, f"10.0.{n // 250}.{n % 250}")
    for seen in made._seen.values():
        assert len(seen) == 10
        assert max(map(len, seen)) <= 64


def test_an_hour_later_it_is_forgotten(clock: Callable[[float], None]) -> None:
    made = Throttle()
    for _ in range(5):
        made.attempt("olga", "10.0.0.1")
    clock(3601)
    assert [made.attempt("olga", "10.0.0.1") for _ in range(5)] == [0.0] * 5


def test_a_page_says_how_long_to_wait_and_checks_no_password_meanwhile(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    for _ in range(5):
        assert log_in(browser, "olga", "wrong").status_code == 403
    monkeypatch.setattr(UsersFile, "check", None)
    refused = log_in(browser, "olga")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert "Too many attempts" in refused.text
    monkeypatch.undo()


def test_what_is_wrong_is_not_told_apart(browser: TestClient) -> None:
    wrong, unknown = log_in(browser, "olga", "wrong"), log_in(browser, "mallory", "wrong")
    assert wrong.text.replace("olga", "") == unknown.text.replace("mallory", "")
    assert "wrong" not in wrong.text


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", "name=olga&password=pw-olga", 415),
        ("application/json", "{}", 415),
        ("application/x-www-form-urlencoded", "&".join(["a=b"] * 50), 400),
        ("application/x-www-form-urlencoded", "name=%ff", 400),
        ("application/x-www-form-urlencoded", b"\xff", 400),
        ("application/x-www-form-urlencoded", "", 403),
        ("application/x-www-form-urlencoded", "name=<script>&password=x", 403),
    ],
)
def test_a_form_that_is_none_is_refused(
    kind: str, body: str | bytes, status: int, browser: TestClient
) -> None:
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
    answer = browser.post("/login", content=body, headers=headers)
    assert answer.status_code == status
    assert "<script>" not in answer.text
    assert COOKIE not in browser.cookies
