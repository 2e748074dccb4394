"""Boots a VM for each EC2 instance of the local AWS and follows its state: `python -m local.systems.vm.hypervisor`.

HTTP, on loopback:

- `GET /instances`: {"<instance id>": <instance>}; `GET /instances/<id>`: <instance> =
  {"state": "booting" | "running" | "stopping" | "stopped" | "gone", "cloud_init": {"status": "running" |
  "done" | "error", "errors": [...]}, "boot_seconds": n | null, "exit_code": n | null, "folder": "..."}.
  `booting` ends when cloud-init does; `gone` is a terminated instance of which only the console's log is left.
- `POST /instances/<id>/power-off`: pulls the plug; the disk stays. `POST /instances/<id>/power-on`: boots the VM.
- `POST /instances/<id>/link-down`: cuts the VM off from the other VMs of its VPC. `POST /instances/<id>/link-up`:
  connects it again, as a boot does.
"""

import argparse
import base64
import json
import logging
import shutil
import signal
import sys
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from local.base import http, processes
from local.systems.vm import imds, network, rootfs
from local.systems.vm.firewall import Firewall
from local.systems.vm.machine import (
    Machine,
    UserNamespaceError,
    check_user_namespaces,
    clear_leftovers,
)
from local.systems.vm.namespace import NetworkError
from local.systems.vm.network import Interface, Vpc

POLL_SECONDS = 1.0


class Ec2:
    """The hypervisor's requests to the local AWS."""

    def __init__(self, endpoint: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=endpoint,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=http.TIMEOUT,
        )

    def instances(self) -> list[dict[str, Any]]:
        """All instances, as `local.systems.aws.instances.describe` returns them."""
        found: list[dict[str, Any]] = self._client.get("/_local/instances").raise_for_status().json()
        return found

    def credentials(self, instance_id: str) -> Mapping[str, str] | None:
        """Fresh credentials of the instance's role; None if it has none that EC2 may assume."""
        answer = self._client.post(f"/_local/instances/{instance_id}/credentials")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, str] = answer.raise_for_status().json()
        return found


class Hypervisor:
    """All VMs of one local stack. `run` belongs to the main thread, the HTTP handlers to others.

    Args:
        host_ports: TCP ports of the host's 127.0.0.1 that every VM finds on its own: the local stack's servers.
        image: the VMs' image.

    Raises:
        NetworkError: this machine cannot make the VMs' network; the message says what is missing.
        UserNamespaceError: it cannot run their services; the message says what is missing.
    """

    def __init__(self, state: Path, ec2: Ec2, host_ports: Collection[int], image: Path) -> None:
        self._state = state
        self._folder = state / "vm"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ec2 = ec2
        self._host_ports = host_ports
        network.check(self._folder / "pasta.log")
        check_user_namespaces()
        self._image = image
        clear_leftovers()
        self._vpcs: dict[str, Vpc] = {}
        self._machines: dict[str, Machine] = {}
        self._metadata: dict[str, imds.Metadata] = {}
        self._lock = threading.RLock()
        # To be switched on as soon as EC2 says `running`: new VMs, those that EC2 stopped, those switched on by hand.
        # A VM that powered itself off, or whose plug was pulled, stays off.
        self._to_boot: set[str] = set()
        self._gone_unseen: set[str] = set()
        self._ending = threading.Event()
        self._routes = Map(
            [
                Rule("/instances", endpoint=self._list, methods=["GET"]),
                Rule("/instances/<instance_id>", endpoint=self._show, methods=["GET"]),
                Rule("/instances/<instance_id>/power-off", endpoint=self._power_off, methods=["POST"]),
                Rule("/instances/<instance_id>/power-on", endpoint=self._power_on, methods=["POST"]),
                Rule("/instances/<instance_id>/link-down", endpoint=self._link_down, methods=["POST"]),
                Rule("/instances/<instance_id>/link-up", endpoint=self._link_up, methods=["POST"]),
                Rule("/instances/<instance_id>/isolate", endpoint=self._isolate, methods=["POST"]),
                Rule("/instances/<instance_id>/rejoin", endpoint=self._rejoin, methods=["POST"]),
            ]
        )

    def run(self) -> None:
        """Follows EC2's states until `end`, then pulls the plug of every VM."""
        while not self._ending.wait(POLL_SECONDS):
            try:
                instances = self._ec2.instances()
            except httpx.HTTPError as error:
                logging.warning("EC2 does not answer: %s", error)
                continue
            with self._lock:
                for instance in instances:
                    self._follow(instance)
                for machine in self._machines.values():
                    machine.poll()
        for machine in self._machines.values():
            machine.pull_the_plug()

    def end(self) -> None:
        """Makes `run` return."""
        self._ending.set()

    def _follow(self, instance: Mapping[str, Any]) -> None:
        instance_id: str = instance["id"]
        machine = self._machines.get(instance_id)
        if instance_id in self._metadata:
            self._metadata[instance_id].instance = instance
        if machine is not None:
            # A VM that has just been switched on has no route to others before it is protected from them.
            machine.protect(Firewall.of(instance))
            machine.route(instance["vpc_blocks"])
        if instance["state"] in ("shutting-down", "terminated"):
            self._terminate(instance_id, machine)
        elif machine is None:
            if instance["user_data"]:
                self._machines[instance_id] = self._create(instance)
                self._to_boot.add(instance_id)
        elif instance["state"] in ("stopping", "stopped"):
            machine.shut_down()
            self._to_boot.add(instance_id)
        elif instance_id in self._to_boot and machine.state == "stopped":
            self._to_boot.discard(instance_id)
            logging.info("%s: switched on", instance_id)
            machine.boot()

    def _create(self, instance: Mapping[str, Any]) -> Machine:
        metadata = imds.Metadata(instance, lambda: self._ec2.credentials(instance["id"]))
        self._metadata[instance["id"]] = metadata
        port = imds.serve(metadata).server_port
        folder = self._folder / instance["id"]
        # A killed run leaves the disk, but no process.
        shutil.rmtree(folder, ignore_errors=True)
        machine = Machine(
            instance["id"], folder, self._image, {*self._host_ports, port}, self._interface(instance)
        )
        authority = self._state / "kafka" / "ca.pem"
        authorities = {"local-kafka.crt": authority.read_text()} if authority.exists() else {}
        user_data = base64.b64decode(instance["user_data"])
        machine.create_disk(user_data, f"http://127.0.0.1:{port}", authorities)
        return machine

    def _interface(self, instance: Mapping[str, Any]) -> Interface:
        if instance["vpc"] not in self._vpcs:
            self._vpcs[instance["vpc"]] = Vpc()
        return Interface(self._vpcs[instance["vpc"]], instance["address"], instance["id"])

    def _terminate(self, instance_id: str, machine: Machine | None) -> None:
        if machine is None:
            self._gone_unseen.add(instance_id)
        elif machine.state == "gone":
            return
        elif machine.state == "stopped":
            logging.info("%s: terminated", instance_id)
            machine.destroy()
        else:
            machine.shut_down()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answers one HTTP request."""
        try:
            endpoint, values = self._routes.bind_to_environ(environ).match()
            with self._lock:
                content = endpoint(**values)
            response: Response | HTTPException = Response(json.dumps(content), mimetype="application/json")
        except HTTPException as error:
            response = error
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def _list(self) -> dict[str, Any]:
        known = [*self._machines, *self._gone_unseen]
        return {instance_id: self._show(instance_id) for instance_id in known}

    def _show(self, instance_id: str) -> dict[str, Any]:
        if instance_id in self._gone_unseen:
            return {"state": "gone"}
        machine = self._machine(instance_id)
        return {
            "state": machine.state,
            "cloud_init": machine.cloud_init,
            "boot_seconds": machine.boot_seconds,
            "exit_code": machine.exit_code,
            "folder": str(machine.folder),
        }

    def _power_off(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id).pull_the_plug()
        return self._show(instance_id)

    def _power_on(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id)
        self._to_boot.add(instance_id)
        return self._show(instance_id)

    def _link_down(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id).switch_link("down")
        return self._show(instance_id)

    def _link_up(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id).switch_link("up")
        return self._show(instance_id)

    def _isolate(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id).isolate(isolated=True)
        return self._show(instance_id)

    def _rejoin(self, instance_id: str) -> dict[str, Any]:
        self._machine(instance_id).isolate(isolated=False)
        return self._show(instance_id)

    def _machine(self, instance_id: str) -> Machine:
        try:
            return self._machines[instance_id]
        except KeyError:
            raise NotFound(f"no VM {instance_id}") from None


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.systems.vm.hypervisor")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--aws-endpoint", required=True)
    parser.add_argument(
        "--host-port",
        type=int,
        action="append",
        default=[],
        help="of 127.0.0.1, for every VM to reach; once for each",
    )
    parser.add_argument(
        "--prepared", action="store_true", help="the VMs' image has the packages of an installation"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for library in ("httpx", "werkzeug"):
        logging.getLogger(library).setLevel(logging.WARNING)
    token = json.loads((arguments.state / "aws" / "ec2.json").read_text())["token"]
    image = rootfs.ensure_prepared() if arguments.prepared else rootfs.ensure()
    try:
        hypervisor = Hypervisor(
            arguments.state, Ec2(arguments.aws_endpoint, token), arguments.host_port, image
        )
    except (NetworkError, UserNamespaceError) as error:
        sys.exit(f"error: {error}")
    server = make_server("127.0.0.1", 0, hypervisor, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: hypervisor.end())
    processes.write_ready(arguments.ready_file, {"port": server.server_port})
    hypervisor.run()


if __name__ == "__main__":
    main()
