"""One VM: its disk, its process, its state."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from local.base import processes
from local.base.files import write_atomically
from local.systems.vm import rootfs
from local.systems.vm.firewall import Firewall
from local.systems.vm.network import Interface, Link, Network

State = Literal["booting", "running", "stopping", "stopped", "gone"]

SHUTDOWN_SECONDS = 300.0
REBOOT_EXIT = 133
"""systemd-nspawn's exit code after a reboot from inside the VM (EXIT_FORCE_RESTART)."""

_UNFINISHED: dict[str, Any] = {"status": "running", "errors": []}

NSPAWN_FOLDERS = Path("/run/systemd/nspawn/propagate")
"""systemd-nspawn makes an empty folder per VM here; if it is killed, the folder stays."""

CONTROL_GROUPS = tuple(
    Path(tree) for tree in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
)
"""The trees in which `boot.sh` makes a group for each VM, as far as the kernel has them."""

BOOT_SCRIPT = Path(__file__).with_name("boot.sh")


class UserNamespaceError(RuntimeError):
    """This machine cannot run the services of a VM; the message says what is missing."""


@dataclass
class Machine:
    """A VM of the instance `instance_id`, in `folder` (disk/, console.log, machine.json).

    The disk is the image with a layer of its own above; it outlives a power-off. The network does not. The thread that
    calls `boot` must stay alive: the VM dies with it, so that nothing is left of a hypervisor that was killed.

    Attributes:
        host_ports: TCP ports of the host's 127.0.0.1 that the VM finds on its own.
        interface: to the VM's VPC; None for a VM without one.
        cloud_init: {"status": "running" | "done" | "error", "errors": [...]}, the outcome of the last boot.
    """

    instance_id: str
    folder: Path
    image: Path
    host_ports: Collection[int] = ()
    interface: Interface | None = None
    state: State = "stopped"
    exit_code: int | None = None
    boot_seconds: float | None = None
    cloud_init: dict[str, Any] = field(default_factory=lambda: dict(_UNFINISHED))
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _network: Network | None = field(default=None, repr=False)
    _leader: int | None = field(default=None, repr=False)
    _booted_at: float = 0.0
    _kill_at: float = 0.0

    def create_disk(self, user_data: bytes, metadata_url: str, authorities: dict[str, str]) -> None:
        """Writes what the VM has beside its image: user-data, name, authorities, address of its metadata service.

        Args:
            authorities: PEM texts of certificate authorities to trust, by file name (ending in .crt).
        """
        for name in ("upper", "work", "root"):
            (self._disk / name).mkdir(parents=True)
        seed = self._disk_folder("var/lib/cloud/seed/nocloud")
        (seed / "user-data").write_bytes(user_data)
        metadata = {"instance-id": self.instance_id, "local-hostname": self.instance_id}
        (seed / "meta-data").write_text(json.dumps(metadata))
        etc = self._disk_folder("etc")
        (etc / "hostname").write_text(f"{self.instance_id}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.instance_id}\n::1 localhost\n")
        trusted = self._disk_folder("usr/local/share/ca-certificates")
        for name, text in authorities.items():
            (trusted / name).write_text(text)
        self.set_metadata_url(metadata_url)

    def set_metadata_url(self, url: str) -> None:
        """Gives every service of the VM, and so every AWS SDK, the address of the metadata service."""
        manager = self._disk_folder("etc/systemd/system.conf.d") / "50-metadata.conf"
        manager.write_text(f'[Manager]\nDefaultEnvironment="AWS_EC2_METADATA_SERVICE_ENDPOINT={url}"\n')

    def boot(self) -> None:
        """Switches the VM on.

        Raises:
            NetworkError: its network could not be made.
        """
        (self._disk / "work").mkdir(exist_ok=True)
        rootfs.link_archives(self._archives)
        self._close_network()
        self._network = Network(self.host_ports, self.interface, self._pasta_log)
        with (self.folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                self._command(self._network),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        write_atomically(self.folder / "machine.json", json.dumps({"pid": self._process.pid}))
        self._leader = None
        self._booted_at = time.monotonic()
        self.boot_seconds = None
        self.cloud_init = dict(_UNFINISHED)
        self.state = "booting"

    def _command(self, network: Network) -> list[str]:
        return [
            # The kernel ends the VM with the thread that booted it.
            *("setpriv", "--pdeathsig", "KILL"),
            *("unshare", "--mount", "--propagation", "private"),
            *(str(BOOT_SCRIPT), str(self.image), str(self._disk)),
            f"--machine={self.instance_id}",
            f"--hostname={self.instance_id}",
            "--register=no",
            "--keep-unit",
            "--console=read-only",
            "--link-journal=no",
            f"--network-namespace-path={network.namespace.path}",
            f"--resolv-conf={_resolv_conf()}",
            "--timezone=off",
            f"--bind={self._archives}:/var/cache/apt/archives",
            # As with --boot: the signal on which systemd powers off.
            "--kill-signal=SIGRTMIN+3",
            "--",
            # In place of --boot: process 1 ends with systemd-nspawn, which leaves it running when it is killed.
            *("setpriv", "--pdeathsig", "KILL", "/sbin/init"),
        ]

    def route(self, blocks: Collection[str]) -> None:
        """Leads the address blocks of the VM's VPC to it, if the VM is on."""
        if self._network is not None:
            self._network.route(blocks)

    def protect(self, firewall: Firewall) -> None:
        """Lets pass on the VM's VPC what these rules allow, if the VM is on."""
        if self._network is not None:
            self._network.protect(firewall)

    def switch_link(self, state: Link) -> None:
        """Cuts the VM off from its VPC (`down`), or connects it again (`up`); a boot connects it, too."""
        if self._network is not None:
            self._network.switch(state)

    def isolate(self, *, isolated: bool) -> None:
        """Takes the VM's network away, without a sign that the VM would see, or gives it back; a boot does that, too."""
        if self._network is not None:
            self._network.isolate(isolated=isolated)

    def shut_down(self) -> None:
        """Asks the VM to power itself off; `poll` pulls the plug after `SHUTDOWN_SECONDS`."""
        if self._process is not None and self.state in ("booting", "running"):
            self._process.send_signal(signal.SIGTERM)
            self._kill_at = time.monotonic() + SHUTDOWN_SECONDS
            self.state = "stopping"

    def pull_the_plug(self) -> None:
        """Kills the VM without a shutdown, and waits until none of its processes runs."""
        if self._process is None:
            return
        leader = leader_of(self._process.pid)
        self._process.kill()
        if leader is not None:
            # It is process 1 of the VM's namespace: the kernel ends all others with it.
            _kill(leader)
        self._process.wait()
        while leader is not None and Path(f"/proc/{leader}").exists():
            time.sleep(0.02)
        self._off(-signal.SIGKILL)

    def poll(self) -> None:
        """Brings `state` up to date; boots again after a reboot from inside."""
        if self._process is None:
            return
        exit_code = self._process.poll()
        if exit_code == REBOOT_EXIT and self.state != "stopping":
            self.boot()
        elif exit_code is not None:
            self._off(exit_code)
        elif self.state == "stopping" and time.monotonic() > self._kill_at:
            self.pull_the_plug()
        elif self.state == "booting":
            self._watch_cloud_init(self._process.pid)

    def _watch_cloud_init(self, nspawn: int) -> None:
        """cloud-init writes its result last, with the errors of all its stages."""
        # It stays the same until the VM is off, and a search reads all of /proc.
        self._leader = self._leader or leader_of(nspawn)
        try:
            result = Path(f"/proc/{self._leader}/root/run/cloud-init/result.json").read_text()
            errors = json.loads(result)["v1"]["errors"]
        except (OSError, ValueError):
            return
        self.cloud_init = {"status": "error" if errors else "done", "errors": errors}
        self.boot_seconds = round(time.monotonic() - self._booted_at, 1)
        self.state = "running"
        rootfs.keep_archives(self._archives)

    def destroy(self) -> None:
        """Deletes the disk; the console's log stays."""
        shutil.rmtree(self._disk, ignore_errors=True)
        shutil.rmtree(self._archives, ignore_errors=True)
        (self.folder / "machine.json").unlink(missing_ok=True)
        self._pasta_log.unlink(missing_ok=True)
        self.state = "gone"

    @property
    def _disk(self) -> Path:
        return self.folder / "disk"

    @property
    def _archives(self) -> Path:
        return self.folder / "apt-archives"

    @property
    def _pasta_log(self) -> Path:
        return self.folder / "pasta.log"

    def _disk_folder(self, path: str) -> Path:
        """A folder of the upper layer. The VM sees its mode, so the umask of this process must not change it."""
        folder = self._disk / "upper"
        for part in Path(path).parts:
            folder /= part
            if not folder.exists():
                folder.mkdir()
                folder.chmod(0o755)
        return folder

    def _off(self, exit_code: int) -> None:
        self._process = None
        self._close_network()
        _forget(self.instance_id)
        self.exit_code = exit_code
        self.state = "stopped"

    def _close_network(self) -> None:
        if self._network is not None:
            self._network.close()
            self._network = None


def check_user_namespaces() -> None:
    """Makes a user namespace, as services of the VMs do (`PrivateUsers=`).

    Source of the rule for a chroot: unshare(2), EPERM.

    Raises:
        UserNamespaceError: this machine makes none.
    """
    done = subprocess.run(["unshare", "--user", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserNamespaceError(
            f"this machine makes no user namespace ({done.stderr.strip()}), and services of each VM need one: the "
            "kernel allows none in a chroot, and a container needs --privileged"
        )


def clear_leftovers() -> None:
    """Removes what VMs of a killed run left outside their own folders.

    Their network leaves nothing: the kernel ends pasta with its hypervisor, and the namespaces have no names.
    """
    # First the folders: another hypervisor's VM that has made its own is among the commands that are read afterwards.
    names = {folder.name for parent in (NSPAWN_FOLDERS, *CONTROL_GROUPS) for folder in parent.glob("i-*")}
    commands = [_command_line(process) for process in Path("/proc").glob("[0-9]*")]
    for name in names:
        if not any(f"--machine={name}" in command for command in commands):
            _forget(name)


def _resolv_conf() -> str:
    """systemd-nspawn's option. systemd-resolved listens on the host's loopback only, so the VM asks whom it asks."""
    stub = "nameserver 127.0.0.53" in Path("/etc/resolv.conf").read_text()
    return "copy-uplink" if stub else "copy-host"


def leader_of(nspawn: int) -> int | None:
    """The process id of process 1 of the VM that this systemd-nspawn runs; None before it has started."""
    waiting = processes.children(nspawn)
    while waiting:
        pid = waiting.pop()
        if _own_pid(pid) == 1:
            return pid
        waiting += processes.children(pid)
    return None


def _own_pid(pid: int) -> int | None:
    """The process id that the process has in its own namespace; None for a process of the host's namespace."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    numbers = next(line for line in lines if line.startswith("NSpid:")).split()[1:]
    return int(numbers[-1]) if len(numbers) > 1 else None


def _command_line(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_text(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _forget(name: str) -> None:
    """Removes the empty folders that a VM leaves."""
    # rmdir, as one with content is of another origin, or of a VM that has not ended yet.
    with suppress(OSError):
        (NSPAWN_FOLDERS / name).rmdir()
    for tree in CONTROL_GROUPS:
        for group, _, _ in os.walk(tree / name, topdown=False):
            with suppress(OSError):
                Path(group).rmdir()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
