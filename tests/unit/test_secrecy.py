"""Secrets do not come out: not in any form, and not on any way out."""

import time
import traceback

import pytest

from crontabber.secrecy import MASK, redacted
from crontabber.secrecy.redactor import Redactor
from tests.disguises import FORMS, base64_of, meanings, passwords


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_can_be_read(form):
    """trap: a mask that knew the plain and the URL form only let repr, JSON and SQL through."""
    for password in passwords(70, form):
        redact = Redactor(frozenset({password}))
        text = f"before {FORMS[form](password)} after"
        shown = redact(text)
        assert shown.startswith("before "), password
        assert MASK in shown, (password, text)
        assert shown.rstrip().endswith(" after"), password
        assert all(password not in meaning for meaning in meanings(shown)), (password, shown)
        assert len(shown) < 60, (password, shown)
        assert redact(shown) == shown, (password, shown)


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("geheim", "a geheim, xgeheimx", "a ********, x********x"),
        ("se cr,e#t%x", "at se%20cr%2ce#t%25x", "at ********"),
        ("se cr,e#t%x", "at se cr,e#t%x", "at ********"),
        ("größe1", "gr%C3%B6%c3%9Fe1 größe1", "******** ********"),
        ("hunter22", "see hunter22hunter22", "see ********"),
        ("hunter22", "'\\hunter22'", "'********'"),
        ("hunter22", "C:\\\\hunter22", "C:********"),
        ("hunter22", "%hunter22", "%********"),
        ("hunter2\\", "hunter2\\nnext", "********nnext"),
        ("'hunter2'", "'''hunter2'''", "********"),
        ("a*****b", "a*****b", "********"),
        ("x7$Q", "x x7$Q x", "x ******** x"),
        (
            "one line\nand another",
            "  | one line\n  | and another\n",
            "  | ********\n  | ********\n",
        ),
        (
            "p%40ssword",
            "postgresql://u:p%40ssword@h/ p@ssword",
            "postgresql://u:********@h/ ********",
        ),
        ("", "text", "text"),
        ("   ", "a    b", "a    b"),
        ("********", "a ********", "a ********"),
        ("++++++++", "a ++++++++ b        c", "a ++++++++ b        c"),
        ("----------", "------------------", "------------------"),
    ],
)
def test_a_secret_is_masked_and_no_more(secret, text, shown):
    assert Redactor(frozenset({secret}))(text) == shown


def test_a_secret_that_holds_another_is_masked_as_a_whole():
    redact = Redactor(frozenset({"hunter2", "hunter22"}))
    assert redact("hunter22 hunter2") == "******** ********"


WEAK = ["a", "ab", "test", "hush", "postgres", "Password", "crontabber", "1234", "aaaaaaaa"]


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize(
    "text",
    [
        "test: a postgres password of crontabber has aaaaaaaaa hush 1234 and abc",
        'File "/srv/test/a.py", line 1234, in test_a: connect(password=password.a(test))',
        'FATAL:  password authentication failed for user "postgres" of https://test.example/a',
    ],
)
def test_a_short_or_common_password_does_not_make_asterisks(weak, text):
    """trap: a log full of asterisks, which told what the password was."""
    assert Redactor(frozenset({weak}))(text) == text


@pytest.mark.parametrize("weak", [*WEAK, "ö"])
@pytest.mark.parametrize(
    "place",
    [
        "password={} host=db",
        "password='{}'",
        "password={}",
        "PGPASSWORD={}; export",
        "postgresql://user:{}@host/db",
        "https://user:{}@host",
        "{{'password': '{}'}}",
        '{{"password":"{}"}}',
        "{{'db_password': b'{}', 'x': 1}}",
        "API-KEY: {}",
        "['--password', '{}']",
        "--resource.postgresql.password={}.",
        "--password {} --x",
        "ALTER ROLE x PASSWORD '{}'",
        "<password>{}</password>",
        "(password='{}')",
        "https://host/?token={}&x=y",
        "connect(user='u', password=\"{}\")",
    ],
)
def test_it_is_masked_where_it_is_given_as_a_secret(weak, place):
    redact = Redactor(frozenset({weak}))
    text = place.format(weak)
    assert redact(text) == place.format(MASK)
    for form in ("repr", "JSON", "HTML", "URL"):
        assert redact(FORMS[form](text)) == FORMS[form](place.format("X")).replace(
            "X", MASK, 1
        ) or MASK in redact(FORMS[form](text)), form


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize("user", ["u", "us", "use", "user"])
def test_so_it_is_in_basic_authentication(weak, user):
    header = f"Authorization: Basic {base64_of(f'{user}:{weak}')}"
    assert Redactor(frozenset({weak}))(header) == f"Authorization: Basic {MASK}"


@pytest.mark.parametrize("password", ["anna", "annabell", "Annabell", "bell"])
def test_a_name_that_is_the_password_too_does_not_give_it_away(password):
    redact = Redactor(frozenset({password}), known=frozenset({"annabell"}))
    assert redact("user annabell, anna@example.org") == "user annabell, anna@example.org"
    assert redact(f"user=annabell password={password}") == f"user=annabell password={MASK}"


def test_values_are_redacted_wherever_they_are_kept():
    redact = Redactor(frozenset({"hunter22"}))
    value = {
        "hunter22": 3,
        "a": ["x hunter22", ("hunter22", 1)],
        "user_token": "b",
        "n": None,
        "password": 5,
    }
    assert redacted(value, redact) == {
        MASK: 3,
        "a": [f"x {MASK}", [MASK, 1]],
        "user_token": MASK,
        "n": None,
        "password": 5,
    }


def test_causes_notes_and_lines_of_source_are_texts_too():
    password = "hunter22"
    try:
        try:
            raise KeyError(f"{password}\n")
        except KeyError as error:
            raise ValueError(repr(password)) from error
    except ValueError as error:
        if hasattr(error, "add_note"):
            error.add_note(f"note {password}")
        lines = "".join(traceback.format_exception(error))
    assert password in lines
    assert password not in Redactor(frozenset({password}))(lines)


def test_it_costs_little():
    """A traceback of 100 kB, twenty secrets, in well under 50 ms."""
    line = '  File "/usr/lib/python3/site-packages/package/module.py", line {0}, in call_{0}\n'
    source = "    return self.connect(f\"{{name}}\\n\", password=self.config['password'])\n"
    text = "".join(line.format(number) + source for number in range(1000))[:100_000]
    redact = Redactor(frozenset(passwords(20, "speed")) | {"test", "postgres"})
    redact("")
    times = []
    for _ in range(5):
        began = time.process_time()
        assert redact(text) == text
        times.append(time.process_time() - began)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    "part",
    [
        *("\\", "'", "%41", "&amp;", "QUJD", "a", "password=", "://a:"),
        *("-", "pass", "--password", "basic ", "pass ", "pass'"),
    ],
)
def test_nothing_takes_it_long(part):
    """trap: an exception whose text takes minutes to look through."""
    text = (part * 100_000)[:100_000]
    began = time.process_time()
    Redactor(frozenset({"hunter22", "QUJDQUJD", "test"}))(text)
    assert time.process_time() - began < 5
