"""The `pulumi` command: the one wrapper of it, for the local stack and for tests.

Not Pulumi's Automation API: see "One wrapper of the pulumi command" in docs/decisions.md.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.stack.engine import Engine


class PulumiError(RuntimeError):
    """A `pulumi` command failed; its output was shown before, or is in the message."""


@dataclass(frozen=True)
class Pulumi:
    """Runs `pulumi` without questions and colours. `program`: the folder of the Pulumi program."""

    engine: Engine
    program: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, given: str = "", show: bool = False) -> str:
        """What `pulumi ARGUMENTS` prints on both streams; `show` also prints it line by line, as it comes.

        `given` goes to its standard input: the way for a secret, which must not be an argument.

        Raises:
            PulumiError: it ended with another code than 0.
        """
        process = self.start(*arguments)
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(given)
        process.stdin.close()
        output = []
        for line in process.stdout:
            output.append(line)
            if show:
                print(f"  | {line}", end="", flush=True)  # noqa: T201  # pulumi's own words, as they come
        if process.wait() != 0:
            text = "".join(output)
            raise PulumiError(f"pulumi {arguments[0]} failed" + ("" if show else f":\n{text}"))
        return "".join(output)

    def attempt(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """`pulumi ARGUMENTS` however it ends, with its two streams apart."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.program,
            env=dict(self.environment),
            input=given,
            capture_output=True,
            check=False,
            text=True,
        )

    def start(self, *arguments: str, own_group: bool = False) -> subprocess.Popen[str]:
        """Starts `pulumi ARGUMENTS` with both streams in one pipe.

        With `own_group`, a signal can reach it and its plugins without the caller; Ctrl-C then does not reach it.
        """
        return subprocess.Popen(
            self._command(arguments),
            cwd=self.program,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=own_group,
        )

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [str(self.engine.executable), *arguments, "--non-interactive", "--color=never"]
