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

# Time runs a hundred times faster, and curl's arguments are kept.
SLEEP = '#!/bin/sh\necho "slept $1"\nexec /usr/bin/sleep "0.0$1"\n'
CURL = '#!/bin/sh\necho "curl $*" >>/tmp/arguments\nexec /usr/bin/curl "$@"\n'
RUN = f"cp -a /mnt/. / && {LOADER}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.running(tmp_path_factory.mktemp("site")) as made:
        yield made


@dataclass
class Vm:
    """An image with the files of the user data and further `files`. The installation in `bundle` only prints."""

    folder: Path
    site: Site
    bundle: Bundle
    variables: Mapping[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def run(self, script: str = RUN) -> subprocess.CompletedProcess[str]:
        """Runs a script that has all files at /mnt; by default it puts them into their places and runs the loader."""
        written = cloud_config.files(self.site.settings(), self.bundle, 1)
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
            # Without the output of systemd-nspawn itself.
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def vm(site: Site, tmp_path: Path) -> Vm:
    """The bundle is in the bucket, and the VM's role may read it."""
    # Each test has a bundle of its own.
    packed = bundle.pack({INSTALL_SCRIPT: File(f"#!/bin/sh\necho installing {tmp_path.name}\n", "0755")})
    site.put(packed)
    site.grant(packed)
    files = {
        "/usr/local/sbin/sleep": File(SLEEP, "0755"),
        "/var/lib/cloud/data/instance-id": File("i-0123456789abcdef0\n"),
    }
    return Vm(tmp_path, site, packed, files=files)


def failure(vm: Vm) -> str:
    return f"loader: FAILED: s3://{vm.site.stack.bucket}/{vm.bundle.key}: "


def test_the_bundle_is_fetched_unpacked_and_installed_and_repeated_at_the_next_boot(vm: Vm) -> None:
    done = vm.run(f"{RUN} && systemctl is-enabled s3-auditlog-sink-install.service && ls -A /tmp")

    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == [f"installing {vm.folder.name}", "enabled"]


def test_a_bundle_that_is_unpacked_is_not_fetched_again(vm: Vm) -> None:
    done = vm.run(f"{RUN} && AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9 {LOADER}")

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("installing") == 2


def test_other_bytes_are_not_unpacked_and_the_failed_boot_is_reported(vm: Vm) -> None:
    other = bundle.pack(
        {"/opt/planted": File("planted"), INSTALL_SCRIPT: File("#!/bin/sh\necho planted\n", "0755")}
    )
    vm.site.put(vm.bundle, other.content)
    before = vm.site.boots_failed()

    done = vm.run(f"({RUN}); echo $?; ls /opt {INSTALL_SCRIPT}")

    assert f"{failure(vm)}SHA-256 is {other.sha256}\n" in done.stdout
    assert "\n1\n" in done.stdout
    assert "planted" not in done.stdout
    assert f"cannot access '{INSTALL_SCRIPT}'" in done.stdout
    assert vm.site.boots_failed() == before + 1
    assert vm.site.status().startswith("i-0123456789abcdef0 FAILED 20")
    assert vm.site.status().endswith(
        f" s3://{vm.site.stack.bucket}/{vm.bundle.key}: SHA-256 is {other.sha256}"
    )


def test_an_installation_that_fails_is_reported_with_its_step(vm: Vm) -> None:
    vm.bundle = bundle.pack(
        {INSTALL_SCRIPT: File("#!/bin/sh\necho tools >/run/s3-auditlog-sink-step\nexit 7\n", "0755")}
    )
    vm.site.put(vm.bundle)
    vm.site.grant(vm.bundle)
    before = vm.site.boots_failed()

    done = vm.run()

    assert done.returncode == 1
    assert "loader: FAILED: installation: step tools failed\n" in done.stdout
    assert vm.site.status().endswith(" installation: step tools failed")
    assert vm.site.boots_failed() == before + 1


def test_a_metric_that_cannot_be_sent_does_not_hold_back_the_status(vm: Vm) -> None:
    vm.variables = {"KEY": f"worker-files/{'1' * 64}.tar.bz2", "CLOUDWATCH_ENDPOINT": "http://127.0.0.1:9"}

    done = vm.run()

    assert "loader: no BootFailed: HTTP status 000" in done.stdout
    assert "not reported" not in done.stdout
    assert f"{'1' * 64}.tar.bz2: HTTP status 403 AccessDenied" in vm.site.status()


def test_a_missing_right_is_tried_again_with_growing_pauses_then_reported(vm: Vm) -> None:
    vm.site.grant(bundle.pack({}))

    done = vm.run()

    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("slept")] == [
        f"slept {seconds}" for seconds in (5, 10, 15, 20, 25, 30, 35)
    ]
    assert f"{failure(vm)}HTTP status 403 AccessDenied (exit code 0 of curl)" in done.stdout
    assert "no BootFailed" not in done.stdout
    assert "not reported" not in done.stdout


def test_without_an_answer_curls_message_is_reported(vm: Vm) -> None:
    vm.variables = {"S3_ENDPOINT": "http://127.0.0.1:9"}

    done = vm.run()

    assert done.returncode == 1
    assert "Failed to connect to 127.0.0.1 port 9" in done.stdout
    assert f"{failure(vm)}HTTP status 000 (exit code 7 of curl)" in done.stdout


def test_a_vm_without_a_role_says_so_and_that_it_cannot_report(vm: Vm) -> None:
    vm.site = replace(vm.site, metadata_url="http://127.0.0.1:9")

    done = vm.run()

    assert done.returncode == 1
    seen = "no credentials of a role from http://127.0.0.1:9/latest"
    assert failure(vm) + seen in done.stdout
    assert f"loader: not reported: {seen}" in done.stdout


def test_without_metrics_nothing_is_sent(vm: Vm) -> None:
    # An address without a server: an attempt would be printed.
    vm.variables = {"NAMESPACE": "''", "CLOUDWATCH_ENDPOINT": "http://127.0.0.1:9"}
    vm.site.put(vm.bundle, b"other bytes")

    done = vm.run()

    assert done.returncode == 1
    assert "SHA-256 is " in done.stdout
    assert "BootFailed" not in done.stdout
    assert "127.0.0.1 port 9" not in done.stdout


def test_no_secret_is_among_curls_arguments_or_in_what_is_printed(vm: Vm) -> None:
    vm.files["/usr/local/sbin/curl"] = File(CURL, "0755")
    vm.site.put(vm.bundle, b"other bytes")

    done = vm.run(f"({RUN}); cat /tmp/arguments")

    keys = vm.site.vm.keys()
    # The token of the metadata service, the role, the object, the metric, the status.
    assert done.stdout.count("curl --silent") >= 6
    assert "--aws-sigv4 aws:amz:us-west-2:monitoring" in done.stdout
    assert not [name for name in ("id", "secret", "token") if keys[name] in done.stdout]
    assert "metadata-token:" not in done.stdout


def test_without_endpoint_settings_aws_is_called_in_the_regions_domain(vm: Vm) -> None:
    vm.files["/usr/local/sbin/curl"] = File(
        '#!/bin/sh\ncase "$*" in *https://*) cat >/dev/null; echo "$@" >&2; exit 7; esac\nexec /usr/bin/curl "$@"\n',
        "0755",
    )
    vm.variables = dict.fromkeys(("S3_ENDPOINT", "SSM_ENDPOINT", "CLOUDWATCH_ENDPOINT"), "''")

    done = vm.run()

    bucket, key = vm.site.stack.bucket, vm.bundle.key
    assert f" https://{bucket}.s3.us-west-2.amazonaws.com/{key} " in done.stdout
    assert " https://monitoring.us-west-2.amazonaws.com/ " in done.stdout
    assert " https://ssm.us-west-2.amazonaws.com/ " in done.stdout


def test_an_image_without_curl_gets_it(vm: Vm) -> None:
    # Instead of a mirror: apt restores the program that was removed.
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
