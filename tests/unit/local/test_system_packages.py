"""Requirements of the machine, and the messages when it does not meet them."""

import os
import shutil
import sys

import pytest

from local.base import java, system_packages
from local.base.system_packages import SystemPackagesError


def test_without_root_it_says_so_at_once_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemPackagesError, match=r"needs root.*sudo"):
        system_packages.ensure([])


def test_outside_linux_it_says_so_at_once_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SystemPackagesError, match=r"Linux only.*use a Linux machine"):
        system_packages.ensure([])


def test_without_apt_it_says_so_at_once_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SystemPackagesError, match="use Debian or Ubuntu"):
        system_packages.ensure([])


def test_apt_is_not_called_for_installed_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(system_packages, "check_machine", lambda: None)
    monkeypatch.setattr(system_packages, "is_installed", lambda name: name == "there")
    monkeypatch.setattr(system_packages, "_apt_get", lambda *arguments: called.append(" ".join(arguments)))
    system_packages.ensure(["there"])
    assert called == []
    system_packages.ensure(["there", "missing"])
    assert called == ["update", "install --yes --no-install-recommends missing"]


def test_a_jdk_or_maven_from_elsewhere_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"mvn"}
    monkeypatch.setattr(shutil, "which", lambda name: f"/opt/{name}" if name in there else None)
    assert java.missing_packages() == ["openjdk-17-jdk-headless"]
    there.add("javac")
    assert java.missing_packages() == []
