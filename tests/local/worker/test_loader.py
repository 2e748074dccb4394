"""The loader in the image of the local VMs, against the local AWS. Nothing is booted. Needs root."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from components.worker import bundle, cloud_config
from components.worker.bundle import INSTALL_SCRIPT, Bundle, File
from components.worker.cloud_config import LOADER
from local.systems.vm import rootfs
from tests.local.worker import site as sites
from tests.local.worker.site import Site

# Time goes by a hundred times faster, and curl's arguments are kept.
SLEEP = '#!/bin/sh\necho "slept $1"\nexec /usr/bin/sleep "0.0$1"\n'
CURL = '#!/bin/sh\necho "curl $*" >>/tmp/arguments\nexec /usr/bin/curl "$@"\n'
RUN = f"cp -a /mnt/. / && {LOADER}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("site")) as one:
        yield one


@dataclass
class Vm:
    """An image with what user-data writes; `files` are further ones. `bundle` holds an installation that only speaks."""

    folder: Path
    site: Site
    bundle: Bundle
    variables: Mapping[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def run(self, script: str = RUN) -> subprocess.CompletedProcess[str]:
        """Runs a script that has all files at /mnt; by default it puts them into their places and runs the loader."""
        written = cloud_config.files(self.site.settings(), self.bundle)
        loader_env = written["/etc/s3-auditlog-sink/loader.env"]
        further = "".join(f"{name}={value}\n" for name, value in self.variables.items())
        written["/etc/s3-auditlog-sink/loader.env"] = replace(
            loader_env, content=loader_env.content + further
        )
        for path, file in {**written, **self.files}.items():
            target = self.folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content)
            target.chmod(int(file.permissions, 8))
        return subprocess.run(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--volatile=overlay"),
                f"--directory={rootfs.ensure()}",
                f"--bind-ro={self.folder}:/mnt",
                f"--setenv=AWS_EC2_METADATA_SERVICE_ENDPOINT={self.site.metadata_url}",
                *("--pipe", "sh", "-c", f"exec 2>&1\n{script}"),
            ],
            stdin=subprocess.DEVNULL,
            # Apart from that of systemd-nspawn itself.
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def vm(site: Site, tmp_path: Path) -> Vm:
    """Everything is as it should be: the bundle is in the bucket, and the VM's role may read it."""
    # Each test has a bundle of its own.
    packed = bundle.pack({INSTALL_SCRIPT: File(f"#!/bin/sh\necho installing {tmp_path.name}\n", "0755")})
    site.put(packed)
    site.grant(packed)
    return Vm(tmp_path, site, packed, files={"/usr/local/sbin/sleep": File(SLEEP, "0755")})


def failure(vm: Vm) -> str:
    return f"loader: FAILED: s3://{vm.site.stack.bucket}/{vm.bundle.key}: "


def test_the_bundle_is_fetched_unpacked_and_installed_and_the_timer_waits_for_the_next_boot(vm: Vm) -> None:
    done = vm.run(f"{RUN} && systemctl is-enabled s3-auditlog-sink-install.timer && ls -A /tmp")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [f"installing {vm.folder.name}", "enabled"]


def test_a_bundle_that_is_unpacked_is_not_fetched_again(vm: Vm) -> None:
    done = vm.run(f"{RUN} && AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9 {LOADER}")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("installing") == 2


def test_other_bytes_are_not_unpacked_and_the_failed_boot_is_told(vm: Vm) -> None:
    other = bundle.pack(
        {"/opt/planted": File("planted"), INSTALL_SCRIPT: File("#!/bin/sh\necho planted\n", "0755")}
    )
    vm.site.put(vm.bundle, other.content)
    before = vm.site.boots_failed()

    done = vm.run(f"({RUN}); echo $?; ls /opt {INSTALL_SCRIPT}")

    assert f"{failure(vm)}SHA-256 is {other.sha256}, expected {vm.bundle.sha256}\n" in done.stdout
    assert "\n1\n" in done.stdout
    assert "planted" not in done.stdout
    assert f"cannot access '{INSTALL_SCRIPT}'" in done.stdout
    assert vm.site.boots_failed() == before + 1


def test_a_role_without_the_right_is_tried_again_with_growing_pauses_then_told(vm: Vm) -> None:
    vm.site.grant(bundle.pack({}))

    done = vm.run()

    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("slept")] == [
        f"slept {seconds}" for seconds in (5, 10, 15, 20, 25, 30, 35)
    ]
    assert f"{failure(vm)}HTTP status 403 AccessDenied (exit code 0 of curl)" in done.stdout
    assert "was not sent" not in done.stdout


def test_no_answer_is_told_with_what_curl_said(vm: Vm) -> None:
    vm.variables = {"S3_ENDPOINT": "http://127.0.0.1:9"}

    done = vm.run()

    assert done.returncode == 1
    assert "Failed to connect to 127.0.0.1 port 9" in done.stdout
    assert f"{failure(vm)}HTTP status 000 (exit code 7 of curl)" in done.stdout


def test_a_vm_without_a_role_says_so_and_that_it_cannot_tell(vm: Vm) -> None:
    vm.site = replace(vm.site, metadata_url="http://127.0.0.1:9")

    done = vm.run()

    assert done.returncode == 1
    seen = "no credentials of a role from http://127.0.0.1:9/latest"
    assert failure(vm) + seen in done.stdout
    assert f"loader: BootFailed was not sent: {seen}" in done.stdout


def test_without_metrics_nothing_is_sent(vm: Vm) -> None:
    # To nowhere: an attempt would be told.
    vm.variables = {"METRICS": "false", "SHA256": "0" * 64, "CLOUDWATCH_ENDPOINT": "http://127.0.0.1:9"}

    done = vm.run()

    assert done.returncode == 1
    assert f"expected {'0' * 64}" in done.stdout
    assert "BootFailed" not in done.stdout
    assert "127.0.0.1 port 9" not in done.stdout


def test_no_secret_is_among_curls_arguments_or_in_what_is_printed(vm: Vm) -> None:
    vm.files["/usr/local/sbin/curl"] = File(CURL, "0755")
    vm.variables = {"SHA256": "0" * 64}

    done = vm.run(f"({RUN}); cat /tmp/arguments")

    keys = vm.site.vm.keys()
    # The token of the metadata service, the role, the object, the metric.
    assert done.stdout.count("curl --silent") >= 6
    assert "--aws-sigv4 aws:amz:us-west-2:monitoring" in done.stdout
    assert not [name for name in ("id", "secret", "token") if keys[name] in done.stdout]
    assert "metadata-token:" not in done.stdout


def test_without_endpoints_of_the_settings_aws_is_asked_in_the_regions_own_domain(vm: Vm) -> None:
    vm.files["/usr/local/sbin/curl"] = File(
        '#!/bin/sh\ncase "$*" in *https://*) cat >/dev/null; echo "$@" >&2; exit 7; esac\nexec /usr/bin/curl "$@"\n',
        "0755",
    )
    vm.variables = {"S3_ENDPOINT": "''", "CLOUDWATCH_ENDPOINT": "''"}

    done = vm.run()

    bucket, key = vm.site.stack.bucket, vm.bundle.key
    assert f" https://{bucket}.s3.us-west-2.amazonaws.com/{key} " in done.stdout
    assert " https://monitoring.us-west-2.amazonaws.com/ " in done.stdout


def test_an_image_without_curl_gets_it(vm: Vm) -> None:
    # In the place of a mirror: apt installs what was taken away.
    vm.files["/usr/local/sbin/apt-get"] = File(
        '#!/bin/sh\necho "apt-get $*"\ncase "$*" in *" install "*) mv /opt/curl /usr/bin/curl;; esac\n',
        "0755",
    )

    done = vm.run(f"mv /usr/bin/curl /opt/curl && {RUN}")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [
        "apt-get -q update",
        "apt-get -q -y install ca-certificates curl",
        f"installing {vm.folder.name}",
    ]
