"""What needrestart restarts on the VM: the distribution's own package, in a VM that boots. Needs root."""

import secrets
import time
from collections.abc import Iterator

import pytest

from components.worker import bundle
from local.systems.vm import rootfs, shell
from local.systems.vm.machine import Machine
from tests.unit.components.worker.test_rendered import config

BOOT_SECONDS = 1800
SINK, INSTALLATION = "s3-auditlog-sink.service", "s3-auditlog-sink-install.service"
DROP_IN = "/etc/needrestart/conf.d/s3-auditlog-sink.conf"
PROGRAM = "/opt/program"

UNITS = {SINK: "simple", INSTALLATION: "oneshot"}
"""As on the VM, except for the program, which runs as long as the test."""

# Ubuntu's needrestart restarts by default; Debian's needs an option.
OPTIONS = ("--quiet", "--collect", "--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=NEEDRESTART_MODE=a")
INSTALL = ("apt-get", "--yes", "--no-install-recommends", "install")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A VM with needrestart, the project's file for it, and both units at work."""
    folder = tmp_path_factory.mktemp("vms") / f"i-{secrets.token_hex(8)}"
    folder.mkdir()
    machine = Machine(folder.name, folder, rootfs.ensure())
    machine.create_disk(b"#cloud-config\n{}\n", "http://127.0.0.1:9", {})
    file = bundle.files(config())[DROP_IN]
    place(machine, DROP_IN, file.content)
    for unit, kind in UNITS.items():
        place(
            machine, f"/etc/systemd/system/{unit}", f"[Service]\nType={kind}\nExecStart={PROGRAM} infinity\n"
        )
    try:
        machine.boot()
        deadline = time.monotonic() + BOOT_SECONDS
        while machine.state == "booting":
            assert time.monotonic() < deadline, "cloud-init did not come to an end"
            machine.poll()
            time.sleep(0.2)
        on(machine, "apt-get", "--quiet", "update")
        on(machine, *INSTALL, "needrestart")
        assert on(machine, "which", "needrestart")
        on(machine, "cp", "/usr/bin/sleep", PROGRAM)
        on(machine, "systemctl", "daemon-reload")
        on(machine, "systemctl", "start", "--no-block", *UNITS)
        wait_for_both(machine)
        yield machine
    finally:
        machine.pull_the_plug()


def place(machine: Machine, path: str, content: str) -> None:
    """Writes a file to the disk of a VM that is off."""
    target = machine.folder / "disk" / "upper" / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)


def on(machine: Machine, *argv: str) -> str:
    return shell.run(machine.folder, argv).stdout.strip()


def property_of(machine: Machine, unit: str, name: str) -> str:
    return on(machine, "systemctl", "show", f"--property={name}", "--value", unit)


def process_of(machine: Machine, unit: str) -> str:
    return property_of(machine, unit, "MainPID")


def wait_for_both(machine: Machine) -> None:
    """Waits until both units run and the sink has no job."""
    deadline = time.monotonic() + BOOT_SECONDS
    while "0" in {process_of(machine, unit) for unit in UNITS} or property_of(machine, SINK, "Job"):
        assert time.monotonic() < deadline, on(machine, "systemctl", "status", *UNITS)
        time.sleep(0.2)


def restarted(machine: Machine, *options: str) -> tuple[set[str], str]:
    """The units that an update restarts after their program was replaced, and apt's output.

    The update is a unit, like unattended-upgrades. A restart of the installation would take as long as that does.
    """
    on(machine, "cp", "/usr/bin/sleep", f"{PROGRAM}.new")
    on(machine, "mv", f"{PROGRAM}.new", PROGRAM)
    before = {unit: process_of(machine, unit) for unit in UNITS}
    update = f"update-{secrets.token_hex(4)}.service"
    on(machine, "systemd-run", *OPTIONS, f"--unit={update}", *options, *INSTALL, "--reinstall", "hostname")
    deadline = time.monotonic() + BOOT_SECONDS
    while (
        property_of(machine, update, "ActiveState") == "active"
        and process_of(machine, INSTALLATION) == before[INSTALLATION]
    ):
        assert time.monotonic() < deadline, on(machine, "journalctl", "--unit", update)
        time.sleep(0.2)
    on(machine, "systemctl", "stop", update)
    wait_for_both(machine)
    output = on(machine, "journalctl", "--output=cat", "--unit", update)
    return {unit for unit in UNITS if process_of(machine, unit) != before[unit]}, output


def test_an_update_restarts_the_sink_but_not_the_installation(machine: Machine) -> None:
    units, output = restarted(machine)

    assert units == {SINK}, output
    assert property_of(machine, INSTALLATION, "ActiveState") == "activating"


def test_an_update_of_the_installation_itself_restarts_nothing(machine: Machine) -> None:
    script = bundle.read("install.sh")
    assert "\nexport NEEDRESTART_SUSPEND=1\n" in script
    assert "NEEDRESTART_SUSPEND=1 apt-get" in bundle.read("loader.sh")

    units, output = restarted(machine, "--setenv=NEEDRESTART_SUSPEND=1")

    assert units == set()
    assert "needrestart is suspended" in output


def test_without_the_file_an_update_would_interrupt_the_installation(machine: Machine) -> None:
    on(machine, "mv", DROP_IN, f"{DROP_IN}.off")
    try:
        units, output = restarted(machine)
    finally:
        on(machine, "mv", f"{DROP_IN}.off", DROP_IN)

    assert units == {SINK, INSTALLATION}, output


@pytest.mark.parametrize(
    ("unit", "choice"),
    [
        (INSTALLATION, "chosen: 0"),
        ("s3-auditlog-sink-watchdog.service", "chosen: 0"),
        (SINK, "chosen:"),
        ("another-s3-auditlog-sink-install.service", "chosen:"),
    ],
)
def test_needrestart_reads_its_configuration_with_the_file(machine: Machine, unit: str, choice: str) -> None:
    """The configuration as needrestart evaluates it: its own file, which evaluates those of conf.d."""
    script = f"""
        our %nrconf = (verbosity => 0);
        our $LOGPREF = '';
        do '/etc/needrestart/needrestart.conf';
        die $@ if $@;
        my $choices = $nrconf{{override_rc}};
        print join ' ', 'chosen:', map {{ $choices->{{$_}} }} grep {{ '{unit}' =~ /$_/ }} keys %$choices;
    """

    assert on(machine, "perl", "-e", script) == choice
