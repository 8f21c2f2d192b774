"""Two stages: labels are written once, values on every request, neither can break out."""

from __future__ import annotations

import jinja2
import pytest

from kartoteka_runtime.web.page_compiler import PageCompiler


def compiler(facts=None, **files: str) -> PageCompiler:
    return PageCompiler(
        jinja2.DictLoader({f"{name}.html": text for name, text in files.items()}),
        facts=facts or {},
        first={"label": "{{ secret }} {% raise %} {# x #} <b>"},
        second={"secret": "SECRET"},
        filters={},
    )


def test_what_the_first_stage_writes_is_not_run_by_the_second():
    pages = compiler(page="[[ label ]]: {{ value }}")
    text = pages.template("page.html").render(value="5")
    assert text == "&#123;&#123; secret }} &#123;% raise %} &#123;# x #} &lt;b&gt;: 5"


def test_values_are_escaped():
    pages = compiler(page='<a title="{{ value }}">')
    assert pages.template("page.html").render(value="\"'<>&{{") == (
        '<a title="&#34;&#39;&lt;&gt;&amp;{{">'
    )


def test_facts_are_made_once_for_a_name():
    asked = []

    def about(name: str) -> dict[str, str]:
        asked.append(name)
        return {"shown": name.upper()}

    pages = compiler(facts={"form": about}, page="[[ shown ]] {{ value }}")
    for value in (1, 2):
        text = pages.template("page.html?form=lift").render(value=value)
        assert text == f"LIFT {value}"
    assert asked == ["lift"]


def test_a_missing_value_is_a_mistake_and_not_an_empty_text():
    pages = compiler(page="{{ value }}")
    with pytest.raises(jinja2.UndefinedError):
        pages.template("page.html").render()
