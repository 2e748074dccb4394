"""The table of faults. Its numbers group them by what a person would call them; modules, by what they hit."""

from components.worker.connect import STATE_FOLDER
from local.proofs.nemesis import broker, distributed, fleet, logzio, operations, poison, s3, vm
from local.proofs.nemesis.fault import Fault
from local.stack.deployment import Mode

_STANDALONE: tuple[Mode, ...] = ("standalone",)
_DISTRIBUTED: tuple[Mode, ...] = ("distributed",)
_BOTH = _STANDALONE + _DISTRIBUTED

FAULTS = (
    Fault(
        "1a",
        "JVM killed (-9) while idle",
        vm.kill_idle,
        "systemd starts it again after 5 s",
        short=_STANDALONE,
    ),
    Fault(
        "1b", "JVM killed in the middle of an upload", vm.kill_in_upload, "an unfinished upload that expires"
    ),
    Fault(
        "1c",
        "JVM killed after an upload, before its offset commit",
        vm.kill_before_commit,
        "the object's events come again: the sink finds it and goes on, or writes a file that overlaps",
        short=_STANDALONE,
    ),
    Fault(
        "2a", "VM powered off hard, booted again", vm.power_cut, "an instance that was off", short=_STANDALONE
    ),
    Fault("2b", "VM replaced through `pulumi up`", operations.replace_vm, "one VM deleted, one created"),
    Fault("3a", "broker restarted", broker.restart, "warnings of the Kafka client"),
    Fault("3b", "broker gone for 2 minutes", broker.stop, "warnings of the Kafka client"),
    Fault(
        "3c",
        "authentication refused for a minute",
        broker.refuse_login,
        "SaslAuthenticationException, task FAILED, started again by the watchdog",
    ),
    Fault("4a", "S3: bursts of 500 and 503", s3.burst, "retries in the log", short=_STANDALONE),
    Fault("4b", "S3: 60 s of timeouts", s3.failing_for_a_minute(answer="hang"), "no new object for a minute"),
    Fault(
        "4c",
        "S3: 403 for a minute",
        s3.failing_for_a_minute(status=403),
        "AccessDenied, task FAILED, started again by the watchdog",
        short=_STANDALONE,
    ),
    Fault(
        "4d",
        # Deleting the bucket itself would delete the archive; the sink cannot tell the difference.
        "S3: the bucket missing and back (NoSuchBucket to every request of the sink)",
        s3.failing_for_a_minute(status=404, code="NoSuchBucket"),
        "NoSuchBucket, task FAILED, started again by the watchdog",
    ),
    Fault(
        "5a",
        "Kafka secret rotated, old one dead",
        operations.rotate_kafka_secret,
        "one restart of the service: the watchdog notices the new version",
    ),
    Fault(
        "5b",
        "S3 key rotated, old one dead",
        operations.rotate_s3_key,
        "InvalidAccessKeyId, then one restart of the service: the watchdog notices the new version",
    ),
    Fault(
        "6",
        "poison events",
        poison.inject,
        "a line with topic, partition and offset for each skipped record, no contents",
        short=_STANDALONE,
        alarms=("skipped",),
    ),
    Fault(
        "7a",
        "disk full in /var/log",
        vm.fill("/var/log"),
        "FreeDiskPercent 0, no new lines in the log file",
        alarms=("disk",),
    ),
    Fault(
        "7b",
        # The VM's disk is the machine's own here: every folder that anything writes into is on a full one instead.
        "disk full in / (each folder of it that is written into)",
        vm.fill("/var/log", STATE_FOLDER, f"{STATE_FOLDER}-watchdog", "/var/tmp", "/tmp"),  # noqa: S108  # the VM's own
        "FreeDiskPercent 0 for /var/log, no new lines in the log file",
    ),
    Fault(
        "8a",
        "first three package and connector downloads fail",
        operations.failing_downloads,
        "a boot that takes longer",
    ),
    Fault(
        "8b",
        "connector archive with a wrong checksum",
        operations.wrong_checksum,
        "a boot in error",
        alarms=("boot",),
    ),
    Fault("8c", "secrets not readable at first boot", operations.unreadable_secrets, "a later start"),
    Fault(
        "9",
        "partitions added to the topic",
        operations.add_partitions,
        "`pulumi up` with the new number makes their registrations",
        new_partitions=True,
    ),
    Fault(
        "10",
        "clock 20 minutes ahead, then right again (the JVM's, libfaketime)",
        vm.wrong_clock,
        "times in the log that are ahead; S3 refuses the first request (RequestTimeTooSkewed), and the AWS SDK"
        " corrects for it; ClockAheadSeconds and its alarm until the time has passed",
        patience=2400.0,
        alarms=("clock-ahead",),
    ),
    Fault(
        "11",
        "Logz.io's API and fetcher down for 5 minutes, then passing over what it reads for half a minute",
        logzio.down,
        "events that `make verify` misses, until `make replay` has sent them",
    ),
    Fault(
        "12a",
        "S3: 403 until the watchdog has tried all it has (about 6 minutes)",
        s3.fail_to_the_ceiling,
        "task FAILED, started again three times without success, then a restart of the service",
        alarms=("task", "restarts"),
    ),
    Fault(
        "12b",
        "JVM that does not answer (SIGSTOP)",
        vm.stop_jvm,
        "no answer for five minutes, then a restart of the service",
        alarms=("task", "originals-task"),
    ),
    Fault(
        "12c",
        f"standstill: S3 never answers, the task is RUNNING (the watchdog's 30 minutes cut to {s3.STUCK_SECONDS} s)",
        s3.never_answer,
        "SecondsStuck grows, then one restart of the service, and no second one",
        alarms=("stuck", "originals-stuck"),
    ),
    Fault(
        "13a",
        f"network to Kafka silent for {broker.SILENT_SECONDS} s from just after a rotation, at the default rotation",
        broker.silent_network,
        "warnings of the Kafka client, no new object for two minutes; the group has expelled the consumer and takes it"
        " back",
        afterwards=lambda target: broker.rotate_every(target, target.rotation_seconds),
    ),
    Fault(
        "13b",
        "offset commits refused while fetching goes on",
        broker.refuse_commits,
        "warnings of failed commits; SecondsStuck grows",
    ),
    Fault(
        "13c",
        "consumer expelled with two short objects not committed, and back in the same JVM",
        broker.expel_consumer,
        "warnings of the Kafka client; what was not committed is read again",
    ),
    Fault(
        "13d",
        "JVM killed (-9) with two short objects not committed",
        broker.kill_uncommitted,
        "systemd starts it again after 5 s; what was not committed is read again",
    ),
    Fault(
        "14a",
        "fleet: from one VM to three and back under load",
        fleet.counts,
        "two VMs come, two go",
        modes=_BOTH,
    ),
    Fault(
        "14b",
        "fleet of two: the plug of a VM pulled",
        fleet.plug_pulled,
        "GroupMembers 1; its partitions go on with the other VM once Kafka has expelled it, after 45 s",
        short=_STANDALONE,
        modes=_BOTH,
        alarms=("heartbeat",),
    ),
    Fault(
        "14c",
        f"fleet of two: a zone without a network for {fleet.CUT_SECONDS:.0f} s",
        fleet.zone_cut_off,
        "GroupMembers 1; its partitions go on in the other zone",
        modes=_BOTH,
    ),
    Fault(
        "14d",
        f"fleet of two: a JVM frozen for {fleet.FROZEN_SECONDS:.0f} s, then it goes on",
        fleet.frozen_jvm,
        "its partitions go on with the other VM; the frozen one notices that it was expelled",
        modes=_BOTH,
    ),
    Fault(
        "14e",
        "fleet of two: a VM takes over, completes an object and is killed before its commit; the first one goes on",
        fleet.successor_killed,
        "systemd starts it again after 5 s; the object stays as it is",
        modes=_BOTH,
    ),
    Fault(
        "14f",
        "fleet of two: both VMs replaced by `pulumi up`",
        fleet.rolled,
        "a new VM for each, one by one",
        modes=_BOTH,
    ),
    Fault(
        "14g",
        "fleet of two: connector archive with a wrong checksum rolled out",
        fleet.broken_files,
        "`pulumi up` fails with the reason; the former VMs go on, and the next `pulumi up` replaces the new one",
        modes=_BOTH,
    ),
    Fault(
        "14h",
        "fleet of two: the service of a VM stopped in order",
        fleet.stopped_in_order,
        "GroupMembers 1",
        alarms=("members", "originals-members"),
    ),
    Fault(
        "14i", "fleet of two: both VMs reboot at once", fleet.both_reboot, "a gap of one boot", modes=_BOTH
    ),
    Fault(
        "15a",
        f"distributed: the cluster with Connect's state away for {distributed.AWAY_SECONDS:.0f} s",
        distributed.own_cluster_away,
        "all tasks stop, and start again by themselves once it is back",
        short=_DISTRIBUTED,
        modes=_DISTRIBUTED,
        alarms=("fleet-cluster",),
    ),
    Fault(
        "15b",
        "distributed: the plug of the leader pulled",
        distributed.leader_killed,
        "another worker leads; the tasks of the leader go on there once Kafka has expelled their consumers, after 45 s",
        short=_DISTRIBUTED,
        modes=_DISTRIBUTED,
        alarms=("heartbeat",),
    ),
    Fault(
        "15c",
        f"distributed: the link between the VMs cut for {distributed.CUT_SECONDS:.0f} s",
        distributed.link_cut,
        "nothing, as long as nobody changes a connector",
        modes=_DISTRIBUTED,
    ),
    Fault(
        "15d",
        "distributed: the topic with the connectors not compacted, and a JVM killed (-9)",
        distributed.wrong_policy,
        "FleetTopicsWrong 1; the worker ends at its start, with the reason, and systemd starts it again",
        modes=_DISTRIBUTED,
        alarms=("fleet-topics",),
    ),
    Fault(
        "15e",
        f"distributed: the right to write states revoked for {distributed.AWAY_SECONDS:.0f} s, and a JVM killed (-9)",
        distributed.status_right_revoked,
        "errors about the status topic; Connect shows the states as they were",
        modes=_DISTRIBUTED,
    ),
    Fault(
        "15f",
        "distributed: the service of a VM stopped in order",
        distributed.stopped_in_order,
        "its tasks go on at once with the other VM",
        modes=_DISTRIBUTED,
    ),
    Fault(
        "15g",
        "distributed: `worker.mode: standalone` and back by `pulumi up`",
        distributed.modes,
        "a new VM for each, one by one, twice",
        modes=_DISTRIBUTED,
    ),
)
