"""The generated parts of a page."""

import pytest

from report_page.markdown import replaced

PAGE = (
    "before\n<!-- a:begin -->\nold\n<!-- a:end -->\nbetween\n<!-- b:begin -->\nkept\n<!-- b:end -->\nafter\n"
)


def test_only_the_named_part_is_replaced() -> None:
    assert replaced(PAGE, {"a": "new"}) == PAGE.replace("old", "new")
    assert replaced(PAGE, {"a": "old", "b": "kept"}) == PAGE


@pytest.mark.parametrize("page", ["no markers", "<!-- a:begin -->", "<!-- a:end --> <!-- a:begin -->"])
def test_a_page_without_the_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="a:begin"):
        replaced(page, {"a": "new"})
