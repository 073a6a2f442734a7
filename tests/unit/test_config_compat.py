"""configman works on this Python, in processes of their own where every warning is an error."""

import subprocess
import sys
import textwrap

import pytest


def run(code: str) -> None:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stderr) == (0, "")


def test_names_that_left_collections_and_inspect_do_not_matter() -> None:
    """trap: configman names things that left ``collections`` and ``inspect``."""
    run("""
        import argparse
        import crontabber.config.compat
        from configman import ConfigurationManager, Namespace
        from configman.def_sources import for_argparse

        definitions = Namespace()
        definitions.add_option("one", default=1)
        definitions.namespace("section")
        definitions.section.add_option("many", default=["a"])
        manager = ConfigurationManager(
            [definitions], [{"section.many": "b,c"}, ["--one=2"]], argv_source=[]
        )
        config = manager.get_config()
        assert (config.one, config.section.many) == (2, ["b", "c"])
        # what needs inspect.getargspec
        action = argparse._StoreAction(["--x"], "x")
        _, kwargs = for_argparse.get_args_and_values(argparse.ArgumentParser(), action)
        assert kwargs["action"] == "store"
    """)


def test_lookup_through_missing_levels() -> None:
    """trap: look-ups with two or more missing levels ended in a ReferenceError."""
    run("""
        import crontabber.config.compat
        from configman.dotdict import DotDictWithAcquisition

        root = DotDictWithAcquisition()
        root.a = 39
        root.x = DotDictWithAcquisition()
        assert [root[name] for name in ("a", "x.a", "y.a", "x.y.a", "x.y.z.a", "p.q.r.s.a")] \\
            == [39] * 6
        assert root.x["y.z.a"] == 39
        assert root.get("p.q.r.b", "none") == "none"
        for name in ("b", "x.b", "p.q.b", "p.q.r.s.b"):
            try:
                root[name]
            except KeyError as error:
                assert error.args == ("b",)
            else:
                raise AssertionError(name)
    """)


def test_environment_as_a_source_with_acquisition() -> None:
    """trap: no run with the environment as a source survived the look-ups."""
    run("""
        import crontabber.config.compat
        from configman import ConfigurationManager, Namespace, environment
        from configman.dotdict import DotDictWithAcquisition

        definitions = Namespace()
        definitions.add_option("a.b.c.d", default=1)
        config = ConfigurationManager(
            [definitions],
            [environment],
            argv_source=[],
            value_source_object_hook=DotDictWithAcquisition,
        ).get_config()
        assert config.a.b.c.d == 1
    """)


def test_what_is_not_there_can_be_asked_for_in_every_way() -> None:
    """trap: ``hasattr`` raised KeyError, which Python 2's took for a no"""
    run("""
        import copy
        import crontabber.config.compat
        from configman.dotdict import DotDictWithAcquisition

        root = DotDictWithAcquisition()
        root.a = 39
        root.x = DotDictWithAcquisition()
        root.x.y = DotDictWithAcquisition()
        for config in (root, root.x, root.x.y):
            assert hasattr(config, "a") and not hasattr(config, "debug")
            assert getattr(config, "nope", None) is None and config.get("nope", 1) == 1
            assert "nope" not in config and config.a == config["a"] == getattr(config, "a", 1)
            for ask in (lambda: config.nope, lambda: config["nope"], lambda: config["p.q.nope"]):
                for kind in (KeyError, AttributeError):
                    try:
                        ask()
                    except kind as error:
                        assert (error.args, str(error)) == (("nope",), "'nope'")
                        assert error.__cause__ is error.__context__ is None
            assert copy.deepcopy(config) == config
        assert not hasattr(root, "_parent") and not hasattr(root.x, "__copy__")
    """)


@pytest.mark.parametrize("first", ["inspect, collections", "argparse, configobj", "sys"])
def test_only_configman_sees_the_stand_ins(first: str) -> None:
    run(f"""
        import {first}
        import crontabber.config.compat
        import collections, inspect, sys

        assert not hasattr(collections, "Mapping")
        assert sys.version_info < (3, 11) or not hasattr(inspect, "getargspec")
        for name, module in list(sys.modules.items()):
            if not name.startswith("configman"):
                for known in (collections, inspect):
                    found = vars(module).get(known.__name__, known)
                    assert not hasattr(found, "__spec__") or found is known, name
        from configman import dotdict
        assert dotdict.collections is not collections
        assert dotdict.collections.OrderedDict is collections.OrderedDict
    """)


def test_app_modules_may_import_configman_before_or_after_our_own_base() -> None:
    run("""
        import crontabber.config.compat, crontabber.config.settings
        from configman import Namespace
        from crontabber.base import BaseCronApp
        import importlib
        importlib.reload(crontabber.config.compat)
        import configman
        assert configman.Namespace is Namespace
    """)
