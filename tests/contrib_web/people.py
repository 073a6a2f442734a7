"""What tests of the pages' door need: users, and an application behind the door."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from crontabber.config.web import WebSettings
from crontabber.contrib.web.guard import USER, WRITABLE, Guard
from crontabber.contrib.web.login import login_routes
from crontabber.contrib.web.policy import Policy
from crontabber.contrib.web.users import Entry, Password, Role, User, UsersFile

OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
"""What a browser says when a form of ours is sent."""


def write_users(path: Path, **users: str) -> Path:
    """Write a file of users, each with the role that is given, whose password is ``pw-NAME``."""
    lines = [
        str(Entry(User(name, Role(role)), quick(f"pw-{name}"))) for name, role in users.items()
    ]
    path.write_text("\n".join([*lines, ""]))
    path.chmod(0o600)
    return path


def quick(password: str) -> Password:
    """A hash that takes no time."""
    return Password.of(password, cost=2, block=1, parallel=1)


def settings(**changes: Any) -> WebSettings:
    """What the section ``[web]`` says."""
    return WebSettings("", False, (), "", (), (), "")._replace(**changes)


def client(policy: Policy, *routes: Route, **options: Any) -> TestClient:
    """A browser before the door; behind it ``/`` tells who is there, ``/act`` does something."""

    async def who(request: Request) -> Response:
        return PlainTextResponse(f"{request.scope[USER]} {request.scope[WRITABLE]}")

    async def act(request: Request) -> Response:
        return PlainTextResponse(f"did {len(await request.body())}")

    async def fail(request: Request) -> Response:
        raise RuntimeError("the password is hunter2")

    app = Starlette(
        routes=[
            *routes,
            *login_routes(policy),
            Route("/", who),
            Route("/fail", fail),
            Route("/static/a.css", who),
            Route("/act", act, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ]
    )
    return TestClient(Guard(app, policy), follow_redirects=False, **options)


def log_in(browser: TestClient, name: str, password: str = "", **form: str) -> Any:
    """Send the form of the login; the password is the right one, if none is given."""
    data = {"name": name, "password": password or f"pw-{name}", **form}
    return browser.post("/login", data=data, headers=OWN)


def users_file(path: Path) -> UsersFile:
    """The users in a file."""
    return UsersFile(str(path))
