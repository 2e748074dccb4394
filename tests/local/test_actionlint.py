"""actionlint is built from its module and finds faults in workflows."""

import subprocess
from pathlib import Path

from tools import actionlint

WORKFLOW = """\
on: push
jobs:
  unit:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ matrix.python }}
"""


def test_an_expression_without_its_matrix_is_found(tmp_path: Path) -> None:
    file = tmp_path / "checks.yml"
    file.write_text(WORKFLOW)

    checked = subprocess.run(
        [str(actionlint.ensure()), "-no-color", str(file)], capture_output=True, check=False, text=True
    )

    assert checked.returncode == 1, checked.stderr
    assert 'property "python" is not defined' in checked.stdout
