"""Where a connection goes, in words, and without secrets."""

import ctypes
import itertools
import os
import pwd
from pathlib import Path

import pytest
from psycopg2.extensions import libpq_version

from crontabber.database.driver import refused_by_libpq, unknown_to_libpq
from crontabber.database.libpq import (
    FILES,
    PARAMETERS,
    SECRETS,
    describe,
    faults,
    known,
    missing_files,
    secrets,
)

US = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("parameters", "variables", "text"),
    [
        ({}, {}, f"host (local socket), port 5432, user {US}, database {US}"),
        ({"user": "anna"}, {}, "host (local socket), port 5432, user anna, database anna"),
        (
            {"host": "db", "port": "1", "dbname": "d", "user": "u", "password": "p"},
            {"PGHOST": "other"},
            "host db, port 1, user u, database d",
        ),
        (
            {},
            {"PGHOST": "db", "PGPORT": "1", "PGDATABASE": "d", "PGUSER": "u", "PGPASSWORD": "p"},
            "host db, port 1, user u, database d",
        ),
        ({"service": "main"}, {}, "service main"),
        ({"dbname": "d"}, {"PGSERVICE": "main"}, "service main, database d"),
        ({"host": "p@ss@db", "user": "u"}, {}, "host ********@db, port 5432, user u, database u"),
    ],
)
def test_a_connection_is_described_as_libpq_makes_it(parameters, variables, text, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert describe(parameters) == text


def test_a_user_without_a_name_is_left_out(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert describe({}) == "host (local socket), port 5432"


@pytest.mark.parametrize(
    ("parameters", "variables", "found"),
    [
        ({"password": "geheim"}, {}, "geheim"),
        ({"sslpassword": "geheim"}, {}, "geheim"),
        ({"oauth_client_secret": "geheim"}, {}, "geheim"),
        ({"scram_client_key": "geheim"}, {}, "geheim"),
        ({"scram_server_key": "geheim"}, {}, "geheim"),
        ({}, {"PGPASSWORD": "geheim"}, "geheim"),
        ({"password": "other"}, {"PGPASSWORD": "geheim"}, "geheim"),
        ({}, {"PGSSLPASSWORD": "geheim"}, "geheim"),
        ({"host": "heim@db"}, {}, "heim"),
        ({"host": "heim@db"}, {}, "heim@db"),
    ],
)
def test_passwords_are_known_wherever_they_are_from(parameters, variables, found, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert found in secrets(parameters)


def test_what_everybody_may_read_is_known():
    parameters = {"user": "anna", "host": "heim@db", "password": "geheim"}
    assert {"anna", "db", US} == known(parameters)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, []),
        ({"port": "5432", "connect_timeout": "10"}, []),
        ({"port": "5432, 5433,", "connect_timeout": " -1 "}, []),
        ({"port": "abc"}, ["port 'abc' is not a port: write a number from 1 to 65535"]),
        ({"port": "1,99999"}, ["port '99999' is not a port: write a number from 1 to 65535"]),
        ({"port": "0"}, ["port '0' is not a port: write a number from 1 to 65535"]),
        (
            {"port": "9" * 5000},
            [f"port '{'9' * 5000}' is not a port: write a number from 1 to 65535"],
        ),
        ({"connect_timeout": "soon"}, ["connect_timeout 'soon' is not a whole number"]),
        ({"keepalives_idle": "1.5"}, ["keepalives_idle '1.5' is not a whole number"]),
    ],
)
def test_what_libpq_would_refuse(parameters, said):
    assert list(faults(parameters)) == said


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"host": "a,b", "port": "1,2", "hostaddr": "192.0.2.1", "password": "geheim"}, []),
        ({"host": "a", "port": "1,2"}, ["port cannot be used: could not match 2 port numbers"]),
        ({"sslmode": "requre"}, ['sslmode cannot be used: invalid sslmode value: "requre"']),
        ({"sslmode": "verify-full"}, []),
        pytest.param(
            {"sslnegotiation": "x"},
            ["sslnegotiation cannot be used: invalid sslnegotiation"],
            marks=pytest.mark.skipif(libpq_version() < 170000, reason="is new in 17"),
        ),
        (
            {"ssl_min_protocol_version": "TLSv9"},
            ["ssl_min_protocol_version cannot be used: invalid"],
        ),
        pytest.param(
            {"require_auth": "luck"},
            ["require_auth cannot be used: invalid require_auth value"],
            marks=pytest.mark.skipif(libpq_version() < 160000, reason="is new in 16"),
        ),
        ({"sslmod": "x"}, []),
        ({"hostaddr": "192.0.2.1,192.0.2.2", "port": "1,2"}, []),
        ({"host": "a", "gssencmode": "require"}, []),
    ],
)
def test_libpq_is_asked_what_it_would_refuse_and_no_server_is(parameters, said):
    found = list(refused_by_libpq(parameters))
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True)), found


def test_libpq_is_asked_of_what_the_environment_says(monkeypatch):
    for name, value in {"PGHOST": "a,b", "PGPORT": "1,2", "PGGSSENCMODE": "require"}.items():
        monkeypatch.setenv(name, value)
    assert list(refused_by_libpq({"dbname": "d"})) == []
    monkeypatch.setenv("PGSSLMODE", "requre")
    [said] = refused_by_libpq({"dbname": "d"})
    assert said == 'sslmode cannot be used: invalid sslmode value: "requre"'


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"sslrootcert": "system", "sslkey": "engine:key", "sslcert": "", "passfile": "/"}, []),
        ({"sslcrldir": "/nowhere"}, ["sslcrldir '/nowhere' is a file that is not there"]),
    ],
)
def test_files_that_are_not_there(parameters, said):
    assert list(missing_files(parameters)) == said


@pytest.mark.parametrize("name", sorted(FILES))
def test_files_that_only_the_environment_names_and_that_are_not_there(name, monkeypatch):
    """trap: --configtest looked for those of the ini only"""
    monkeypatch.setenv(FILES[name], "/gone")
    [said] = missing_files({"host": "db"})
    assert said == f"{FILES[name]} '/gone' (from the environment) is a file that is not there"
    assert list(missing_files({name: "/"})) == []
    monkeypatch.setenv(FILES[name], "/")
    assert list(missing_files({})) == []


# -- its parameters ------------------------------------------------------------


class _Option(ctypes.Structure):
    """``PQconninfoOption``."""

    _fields_ = [
        *((name, ctypes.c_char_p) for name in "keyword envvar compiled val label dispchar".split()),
        ("dispsize", ctypes.c_int),
    ]


@pytest.fixture(scope="module")
def libpq_in_use():
    """Each parameter of the libpq that psycopg2 has loaded, and whether it hides its value."""
    paths = [line.split()[-1] for line in MAPS.read_text().splitlines() if "libpq" in line]
    path = next(path for path in paths if "psycopg_" not in path)  # psycopg 3 has another
    library = ctypes.CDLL(path)
    library.PQconndefaults.restype = ctypes.POINTER(_Option)
    defaults = itertools.takewhile(lambda each: each.keyword, library.PQconndefaults())
    return {each.keyword.decode(): each.dispchar == b"*" for each in defaults}


MAPS = Path("/proc/self/maps")
OLDER = {"authtype", "tty", "requiressl"}
"""What was there once; the last of them is another way to write ``sslmode=require``."""
NEWER = {
    "max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret",
    "oauth_issuer", "oauth_scope", "scram_client_key", "scram_server_key", "servicefile",
    "sslkeylogfile",
}  # fmt: skip
"""What came with libpq 18."""


def test_every_parameter_of_libpq_is_known(libpq_in_use):
    hidden = {name for name in libpq_in_use if name.startswith("_")}
    assert set(libpq_in_use) - hidden <= PARAMETERS
    if 170000 <= libpq_version() < 180000:
        assert PARAMETERS - set(libpq_in_use) == OLDER | NEWER


def test_every_parameter_that_libpq_hides_is_a_secret(libpq_in_use):
    assert {name for name, is_hidden in libpq_in_use.items() if is_hidden} <= set(SECRETS)
    assert set(SECRETS) <= PARAMETERS


def test_a_parameter_that_this_libpq_does_not_have_is_named():
    [said] = unknown_to_libpq({"host": "x", "password": "geheim", "sslmod": "geheim"})
    assert said.startswith("sslmod is not known to libpq ")
    assert "geheim" not in said


def test_without_a_password_there_is_no_secret():
    assert not any(secrets({"password": ""}))
