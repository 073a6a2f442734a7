"""HTML as values: what is a text is escaped and masked, wherever it stands."""

from typing import Any

import pytest

from crontabber.views.html import Raw, render, tag

HOSTILE = "<script>alert('1')</script>\"&\x1b[31m\u202e"
ESCAPED = "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;\\x1b[31m\\u202e"


def test_a_text_is_escaped_in_an_element_and_in_an_attribute() -> None:
    assert render(tag("p", HOSTILE, title=HOSTILE)) == f'<p title="{ESCAPED}">{ESCAPED}</p>'


def test_an_attribute_that_no_person_reads_is_escaped_too() -> None:
    assert render(tag("a", href='"><b>')) == '<a href="&quot;&gt;&lt;b&gt;"></a>'


@pytest.mark.parametrize(
    ("attributes", "written"),
    [
        ({"class_": "x"}, ' class="x"'),
        ({"aria_label": "x"}, ' aria-label="x"'),
        ({"open": True}, " open"),
        ({"open": False, "id": None}, ""),
        ({"y": 0}, ' y="0"'),
    ],
)
def test_attributes_are_written_as_html_has_them(attributes: dict[str, Any], written: str) -> None:
    assert render(tag("p", **attributes)) == f"<p{written}></p>"


def test_what_is_in_an_element_may_be_nested_or_nothing() -> None:
    node = tag("ul", [tag("li", "a"), None, [tag("li", "b")]], (tag("br"),))
    assert render(node) == "<ul><li>a</li><li>b</li><br></ul>"


def test_only_what_says_so_is_written_as_it_is() -> None:
    assert render(tag("style", Raw("a > b {}"))) == "<style>a > b {}</style>"


def test_secrets_are_masked_before_they_are_escaped_and_in_texts_only() -> None:
    def redact(text: str) -> str:
        return text.replace("p<w", "***").replace("class", "***")

    page = render(tag("p", "pw: p<w", tag("b", "class", class_="class"), title="p<w"), redact)
    assert page == '<p title="***">pw: ***<b class="class">***</b></p>'
    assert render(tag("svg", aria_label="p<w"), redact) == '<svg aria-label="***"></svg>'


def test_a_mask_that_joins_texts_costs_no_text() -> None:
    def redact(text: str) -> str:
        return text.replace("a\0b", "***")

    assert render([tag("p", "a"), tag("p", "b")], redact) == "<p>a</p><p>b</p>"
