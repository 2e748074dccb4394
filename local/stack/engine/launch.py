"""Starts `python -u -m MODULE ARGUMENTS` by the fork server: launch.py SOCKET MODULE ARGUMENTS.

It stands for that process: it has its streams, passes signals on, and ends when it ends, with its code. It imports
little, and needs nothing of this project: the point is that it starts in hundredths of a second.
"""

import array
import json
import os
import signal
import socket
import sys

_STREAMS = (0, 1, 2)


def main() -> int:
    """Runs the module; its exit code."""
    address, module, *arguments = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(address)
        order = {
            "module": module,
            "arguments": arguments,
            "folder": os.getcwd(),  # noqa: PTH109  # without the import of pathlib
            "environment": dict(os.environ),
        }
        message = json.dumps(order).encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", _STREAMS))
        connection.sendmsg([message], [rights])
        # Not before: the order must be the first message.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: connection.send(bytes([number])))
        code = connection.recv(1)
    # Without a code, it was killed.
    return code[0] if code else 128 + signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main())
