"""Each example is a stack file that can be rendered."""

from pathlib import Path

import pytest

from components.settings import load_stack_file
from scripts.render import rendered

FILES = sorted((Path(__file__).resolve().parents[3] / "examples").glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_is_rendered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What a person sets beside the file, encrypted.
    monkeypatch.setenv("LOGZIO_API_TOKEN", "made-up-token")
    stack = file.stem.removeprefix("Pulumi.")

    contents = rendered(load_stack_file(file), stack)

    assert f"ccloud-logexporter-{stack}-" in contents["s3-sink-connector.properties"]


def test_every_example_has_its_line_in_the_readme() -> None:
    readme = (FILES[0].parent / "README.md").read_text()

    assert [file.name for file in FILES if f"({file.name})" not in readme] == []
