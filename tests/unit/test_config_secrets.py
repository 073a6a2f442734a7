"""What is secret in a configuration: options, and parts of connection strings."""

import time
from pathlib import Path

import pytest

from crontabber.base import BaseCronApp
from crontabber.config.commandline import CommandLine
from crontabber.config.secrets import within
from crontabber.config.settings import Settings
from crontabber.errors import ConfigError
from tests.unit.test_config_apps import app


@pytest.fixture(autouse=True)
def _directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(ini, *arguments, env=None):
    Path("c.ini").write_text(ini)
    return Settings.load(CommandLine.parse(["--admin.conf=c.ini", *arguments]), env or {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgresql://u:hunter22@h/d", {"hunter22"}),
        ("postgresql://u@h/d", set()),
        ("postgresql://u:p%40ss@h/d?sslpassword=other", {"p%40ss", "other"}),
        ("postgresql://u:p@ss@h/d", {"p", "p@ss"}),
        ("host=h password=hunter22 dbname=d", {"hunter22"}),
        ("host=h password = 'hunter 22' dbname=d", {"hunter 22"}),
        (r"password='hunt\'er' sslpassword=a\ b", {r"hunt\'er", r"a\ b"}),
        ("redis://:hunter22@h:6379/0", {"hunter22"}),
        ("http://h:80/path", set()),
        ("https://KEY@h/1", set()),
    ],
)
def test_passwords_in_connection_strings(text, found):
    assert set(within(text)) - {""} == found


@pytest.mark.parametrize(
    "text", ["x" * 100_000 + "://" + "y" * 100_000, "@" + "://a:" * 20_000, "://a:" * 20_000 + " @"]
)
def test_long_words_are_no_work(text):
    """A key of 4 kB in a value cost every tick a third of a second."""
    began = time.process_time()
    assert not any(within(text))
    assert time.process_time() - began < 1


def test_the_key_of_a_url_is_secret_where_the_url_is():
    assert set(within("a+https://KEY@h/1", is_key=True)) - {""} == {"KEY"}
    assert set(within("https://KEY:SECRET@h/1", is_key=True)) == {"KEY", "SECRET"}
    assert set(within("postgresql://user@h/1", is_key=True)) - {""} == set()


@pytest.mark.parametrize(
    ("ini", "env"),
    [
        ("[resource]\n[[postgresql]]\npassword=hunter22", {}),
        ("[resource]\n[[postgresql]]\ndsn=postgresql://u:hunter22@h/d", {}),
        ("[resource]\n[[postgresql]]\ndsn='host=h password=hunter22'", {}),
        ("[sentry]\ndsn=https://hunter22@h/1", {}),
        ("[sentry]\ndsn=https://key:hunter22@h/1", {}),
        ("[crontabber]\n[[class-Other]]\napi_key=hunter22", {}),
        ("[crontabber]\n[[class-Other]]\nurl=https://u:hunter22@h/", {}),
        ("", {"crontabber.class-Other.token": "hunter22"}),
        ("", {"resource.postgresql.password": "hunter22"}),
    ],
)
def test_secrets_are_known_before_any_app_is_imported(ini, env):
    assert load(ini, env=env).redactor("so hunter22 it is") == "so ******** it is"


class Wrapped:
    """A secret as libraries wrap it."""

    def __init__(self, text):
        self._text = text.removeprefix("vault:")

    def __str__(self):
        return "***"


class Slotted:
    __slots__ = ("__text",)

    def __init__(self, text):
        self.__text = text.removeprefix("vault:")


@pytest.mark.parametrize(
    "converter",
    [
        None,
        Wrapped,
        Slotted,
        lambda text: text.removeprefix("vault:").encode(),
        lambda text: bytearray(text.removeprefix("vault:"), "latin-1"),
        lambda text: ["x", {"key": text.removeprefix("vault:")}],
        lambda text: Wrapped(Wrapped(text)._text),
        lambda text: text.removeprefix("vault:"),
        lambda text: int(text.encode().hex(), 16),
    ],
)
@pytest.mark.parametrize("name", ["pin", "api_token"])
@pytest.mark.parametrize("is_set", [True, False])
def test_a_secret_is_known_by_its_text_and_by_its_value(converter, name, is_set):
    """trap: the value that a converter made of a secret, and its default, were readable."""
    text = "vault:hün't22"
    option = {"default": "nothing" if is_set else text, "secret": name == "pin"}
    if converter:
        option["from_string_converter"] = converter
    ini = "[crontabber]\njobs=m.MyApp|1d\n"
    ini += f'[[class-MyApp]]\n{name}="{text}"\n' if is_set else ""
    resolved = load(ini).app_configs({"m.MyApp": app(**{name: option})})
    assert text in resolved.secrets
    value = resolved.configs["m.MyApp"][name]
    if isinstance(value, int):
        assert str(value) in resolved.secrets
    elif converter:
        assert "hün't22" in resolved.secrets


def test_what_only_sounds_secret_is_none():
    cls = app(token_lifetime=86400000, password_needed=True, token_class=BaseCronApp, dsn_of=None)
    assert load("").app_configs({"m.MyApp": cls}).secrets == set()


def test_an_error_in_the_configuration_tells_no_secret():
    ini = "[crontabber]\ntimezone=https://u:hunter22@h/\n"
    with pytest.raises(ConfigError) as caught:
        load(ini)
    assert "hunter22" not in str(caught.value)
    assert "timezone" in str(caught.value)
