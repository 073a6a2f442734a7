"""The forms of the pages: what they ask for, and their frame."""

from collections.abc import Callable, Iterable, Mapping

from ...verbs.actions import CANCEL, Action, Field, Given
from ...views.html import Element, Node, tag
from ...views.page import Frame, live


def page_of(title: str, body: Node, person: Node = None, redact: Callable[[str], str] = str) -> str:
    """A page with a form, as HTML. Strangers get no links to other pages."""
    frame = Frame(title, person=person, is_form=True)
    return live(frame if person else frame._replace(nav={}), body, redact=redact)


def sentences(lines: Iterable[str]) -> Node:
    """A paragraph for each."""
    return [tag("p", line) for line in lines]


def note(text: str, *, bad: bool = False) -> Element:
    """A notice."""
    return tag("p", text, class_="note bad" if bad else "note", role="alert" if bad else "status")


def action_form(do: str, action: Action, job: str, given: Given, zone: str) -> Element:
    """The fields of an action, and the button that does it, or shows what it would do.

    *zone* is the time zone of the times.
    """
    hinted = (each._replace(hint=each.hint.format(zone=zone)) for each in action.fields)
    fields = [_field(each, given) for each in hinted]
    if action.previews:
        return _form("get", {"do": do, "job": job}, fields, "Show the dates")
    return _form("post", {"do": do, "job": job}, fields, action.title, grave=action.grave)


def sure_form(do: str, action: Action, job: str, given: Given) -> Element:
    """The button that does what was shown."""
    named = {each.name: given[each.name] for each in action.fields if given.get(each.name)}
    return _form("post", {"do": do, "job": job, **named}, (), action.title)


def cancel_form(number: str) -> Element:
    """The button that cancels a backfill."""
    return _form("post", {"do": CANCEL, "number": number}, (), "Cancel the backfill", grave=True)


def login_form(name: str, back: str) -> Element:
    """The login form."""
    fields = [
        _labelled("name", "Name", value=name, autocomplete="username", autofocus=True),
        _labelled("password", "Password", type="password", autocomplete="current-password"),
    ]
    return _form("post", {"next": back}, fields, "Log in", to="login")


def leave_form() -> Element:
    """The button that ends a session."""
    return _form("post", {}, (), "Log out", to="logout")


def _form(
    method: str,
    hidden: Mapping[str, str],
    fields: Iterable[Node],
    button: str,
    *,
    to: str = "act",
    grave: bool = False,
) -> Element:
    kept = [tag("input", type="hidden", name=name, value=value) for name, value in hidden.items()]
    send = tag("button", button, type="submit", class_="grave" if grave else None)
    return tag("form", kept, fields, tag("p", send), method=method, action=to, class_="act")


def _field(field: Field, given: Given) -> Element:
    value = given.get(field.name, "")
    if field.kind == "checkbox":
        names = {"name": field.name, "id": field.name, "value": "yes"}
        ticked = tag("input", type="checkbox", checked=bool(value), **names)
        return tag("p", ticked, " ", tag("label", field.label, for_=field.name), class_="field")
    if field.kind == "choice":
        options = [
            tag("option", label, value=each, selected=each == value)
            for each, label in field.choices.items()
        ]
        choice = tag("select", *options, name=field.name, id=field.name)
        return tag("p", tag("label", field.label, for_=field.name), choice, class_="field")
    return _labelled(
        field.name,
        field.label,
        hint=field.hint,
        type=field.kind,
        value=value,
        required=field.required,
        autocomplete="off",
    )


def _labelled(name: str, label: str, *, hint: str = "", **more: str | bool | None) -> Element:
    described = f"{name}-hint" if hint else None
    entry = tag("input", name=name, id=name, aria_describedby=described, **more)
    small = tag("small", hint, id=described) if hint else None
    return tag("p", tag("label", label, for_=name), entry, small, class_="field")
