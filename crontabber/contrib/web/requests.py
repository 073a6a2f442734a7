"""Reads what a browser sent: the fields of a form."""

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_FIELDS = 20


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form; of equal names the last counts. Raises `HTTPException`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "only forms are understood")
    try:
        text = (await request.body()).decode("utf-8")
        fields = parse_qs(text, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400, "this form cannot be read") from None
    return {name: values[-1] for name, values in fields.items()}
