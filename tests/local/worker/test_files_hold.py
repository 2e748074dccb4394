"""The files of the VM, checked by the programs that read them: cloud-init, systemd, a shell.

These run inside the root file system that the local VMs are made from, so the machine needs none of them.
"""

import re
import subprocess
from pathlib import Path

import pytest

from components.worker import bundle, cloud_config
from local.systems.vm import rootfs
from tests.unit.components.worker.test_rendered import config

UNITS = ("s3-auditlog-sink.service", "s3-auditlog-sink-watchdog.service")
MOST_EXPOSURE = 20
"""Tenths of the level of `systemd-analyze security`, which is from 0 (nothing exposed) to 10."""


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder with all files of the VM, under their own paths."""
    fetched = bundle.files(config())
    packed = bundle.pack(fetched)
    for path, file in {**fetched, **cloud_config.files(config(), packed, 1)}.items():
        target = tmp_path / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.content)
        target.chmod(int(file.permissions, 8))
    (tmp_path / "user-data").write_text(cloud_config.user_data(config(), packed, 1))
    return tmp_path


def in_image(inside: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the image, which it cannot change, with the files at /mnt."""
    return subprocess.run(
        [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--volatile=overlay",
            f"--directory={rootfs.ensure()}",
            f"--bind-ro={inside}:/mnt",
            "--pipe",
            *command,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_cloud_init_accepts_the_user_data(inside: Path) -> None:
    done = in_image(inside, "cloud-init", "schema", "--config-file", "/mnt/user-data")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout


def test_systemd_finds_no_fault_in_the_units(inside: Path) -> None:
    # The programs of the packages are not in the image; only the unit's own lines are checked.
    script = (
        "touch /usr/bin/connect-standalone && chmod +x /usr/bin/connect-standalone && "
        "cp /mnt/usr/local/sbin/* /usr/local/sbin/ && "
        "systemd-sysusers /mnt/etc/sysusers.d/s3-auditlog-sink.conf && "
        "systemd-analyze verify --man=no /mnt/etc/systemd/system/*"
    )
    done = in_image(inside, "sh", "-c", script)

    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"s3-auditlog-sink\S*\.(service|timer):", done.stderr), done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_each_unit_is_hardened(inside: Path, unit: str) -> None:
    done = in_image(
        inside,
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--threshold={MOST_EXPOSURE}",
        f"/mnt/etc/systemd/system/{unit}",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("script", ["install.sh", "loader.sh"])
def test_a_script_is_plain_posix_shell_without_faults(script: str) -> None:
    done = subprocess.run(
        ["shellcheck", str(bundle.FILES / script)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
