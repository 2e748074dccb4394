"""How the VMs' image is built, and which packages that a VM downloaded serve later VMs."""

from pathlib import Path

import pytest

from local.systems.vm import rootfs
from local.systems.vm.distributions import DEBIAN


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of downloaded packages."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(rootfs, "_archives", lambda: folder)
    return folder


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.is_file()}


def test_a_vms_downloads_serve_later_vms_but_the_local_repositorys_do_not(kept: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    rootfs.link_archives(first)
    for name in (
        "curl_7_amd64.deb",
        "confluent-kafka_7.9.0-6_all.deb",
        "openjdk-8-jre-headless_8u999-2_all.deb",
    ):
        (first / name).write_text("built")

    rootfs.keep_archives(first)
    rootfs.link_archives(second)

    assert names(kept) == names(second) == {"curl_7_amd64.deb"}


def test_an_old_build_that_was_kept_is_not_given_to_a_vm(kept: Path, tmp_path: Path) -> None:
    (kept / "confluent-kafka_7.9.0-6_all.deb").write_text("old build")

    rootfs.link_archives(tmp_path / "vm")

    assert names(tmp_path / "vm") == set()


RECIPE = rootfs.Recipe(
    distribution=DEBIAN, mirror="http://mirror.invalid", sources="", settings="", certificates={}
)

DEBOOTSTRAP = """\
#!/bin/sh
echo attempt >> {attempts}
[ ! -e "{root}" ] || exit 9
mkdir -p "{root}/debootstrap"
[ "$(wc -l < {attempts})" -gt {failures} ] && exit 0
echo "tar: not what was expected" > "{root}/debootstrap/debootstrap.log"
exit 1
"""


def fake_debootstrap(folder: Path, monkeypatch: pytest.MonkeyPatch, *, failures: int) -> Path:
    """Puts a debootstrap into the path that fails so often; returns the folder that it fills."""
    root, command = folder / "root", folder / "bin/debootstrap"
    command.parent.mkdir()
    command.write_text(DEBOOTSTRAP.format(attempts=folder / "attempts", root=root, failures=failures))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    return root


def test_a_bootstrap_that_fails_begins_again_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = fake_debootstrap(tmp_path, monkeypatch, failures=2)

    rootfs._bootstrap(RECIPE, root)

    assert (tmp_path / "attempts").read_text().count("attempt") == 3
    assert "attempt 2 failed: debootstrap --variant=minbase ... ended with 1" in capsys.readouterr().out


def test_a_bootstrap_that_fails_for_good_says_what_its_log_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fake_debootstrap(tmp_path, monkeypatch, failures=9)

    with pytest.raises(rootfs.RootfsError, match=r"(?s)ended with 1:.*tar: not what was expected"):
        rootfs._bootstrap(RECIPE, root)

    assert (tmp_path / "attempts").read_text().count("attempt") == 3
