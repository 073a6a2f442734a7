"""The shape of all JSON documents."""

import json
from datetime import timedelta

import pytest

from crontabber.views.envelope import SCHEMA, document, job_fields, masked, seconds, utc
from tests.schemas import conforming
from tests.unit.schedules import at, job

NOW = at("2026-11-21 12:00:01", "Europe/Berlin")


def test_a_document_says_what_it_is_when_it_was_made_and_for_which_zone():
    read = conforming(document("status", NOW, "Europe/Berlin", [job_fields(job("1h"), "ok")]))
    assert (read["schema"], read["kind"], read["zone"]) == (SCHEMA, "status", "Europe/Berlin")
    assert read["generated_at"] == "2026-11-21T11:00:01Z"
    assert read["jobs"][0]["app_name"] == "app"


def test_what_is_not_in_the_schema_is_noticed_by_these_tests():
    with pytest.raises(AssertionError, match="nonsense"):
        conforming(document("status", NOW, "UTC", [], nonsense=1))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None),
        (at("2026-11-21 12:00", "Europe/Berlin"), "2026-11-21T11:00:00Z"),
        (at("2026-11-21 12:00:00.25"), "2026-11-21T12:00:00.250000Z"),
    ],
)
def test_times_are_in_utc(moment, text):
    assert utc(moment) == text


def test_lengths_of_time_are_seconds():
    assert seconds(timedelta(minutes=1, milliseconds=5)) == 60.005
    assert seconds(None) is None


def test_secrets_are_masked_within_texts_and_the_document_stays_one():
    """trap: a secret that looks like a part of the document, or like a word of ours"""
    text = document("status", NOW, 'the "zone"', [job_fields(job("1h"), "ok", 'a "word": ok')])
    redact = {"ok": "***", '"': "***"}

    def masking(text: str) -> str:
        for secret, mask in redact.items():
            text = text.replace(secret, mask)
        return text

    read = conforming(masked(text, masking))
    assert read["jobs"][0]["state"] == "ok"
    assert read["jobs"][0]["reason"] == "a ***word***: ***"
    assert json.loads(text)["zone"] == 'the "zone"'
