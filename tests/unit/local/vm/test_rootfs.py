"""Packages that a VM downloaded serve later VMs, those of the local repository excepted."""

from pathlib import Path

import pytest

from local.systems.vm import rootfs


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
