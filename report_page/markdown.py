"""The generated parts of a page in docs/, between `<!-- name:begin -->` and `<!-- name:end -->`."""

from collections.abc import Mapping


def replaced(page: str, texts: Mapping[str, str]) -> str:
    """The page with the current text between the markers of each part.

    Raises:
        ValueError: a marker is missing.
    """
    for name, text in texts.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, found_begin, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found_begin or not found_end:
            raise ValueError(f"the page needs {begin} and {end}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page
