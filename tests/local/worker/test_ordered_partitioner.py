"""The partitioner on a JVM, compiled against the stand-in connector as on the VM against the vendor's."""

import os
import subprocess
import time
from dataclasses import dataclass

import pytest

from components.archive import layout
from local.base import java
from local.systems.kafka import jars
from tests.local.connect_support import unpack

TOPIC = "confluent-audit-log-events"

PROBE = """
package ccloud.logexporter;

import java.util.Collections;
import org.apache.kafka.connect.sink.SinkRecord;

public class Probe {
    public static void main(String[] args) {
        if (args[0].equals("stamps")) {
            for (int i = 1; i < args.length; i++) {
                System.out.println(OrderedPartitioner.stamp(Long.parseLong(args[i])));
            }
            return;
        }
        OrderedPartitioner<Object> partitioner = new OrderedPartitioner<>();
        partitioner.configure(Collections.singletonMap("directory.delim", args[1]));
        String encoded = partitioner.encodePartition(new SinkRecord(args[0], 3, null, null, null, null, 17), 0);
        System.out.println(encoded);
        System.out.println(partitioner.generatePartitionedPath(args[0], encoded));
    }
}
"""


@dataclass(frozen=True)
class Probe:
    """A compiled program with the partitioner on its class path."""

    class_path: str

    def run(self, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        options = (*java.SHORT_LIVED, *options)
        command = ["java", *options, "-cp", self.class_path, "ccloud.logexporter.Probe", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def stamps(self, *times: int, options: tuple[str, ...] = ()) -> list[str]:
        """The stamp of each file that is opened at these times of the clock, in this order."""
        return self.run("stamps", *map(str, times), options=options)


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    folder = tmp_path_factory.mktemp("probe")
    libraries = unpack(folder / "plugins")
    (folder / "sources").mkdir()
    (folder / "sources" / "Probe.java").write_text(PROBE)
    java.compile_jar(folder / "sources", [libraries, jars.ensure()], folder / "probe.jar")
    return Probe(os.pathsep.join((str(folder / "probe.jar"), f"{libraries}/*", f"{jars.ensure()}/*")))


def test_the_vendors_folder_gets_one_below_it_with_the_topic_and_the_time(probe: Probe) -> None:
    before = int(time.time() * 1000)

    encoded, path = probe.run(TOPIC, "/")

    assert encoded == "partition=3"
    assert path.startswith(f"{TOPIC}/partition=3/{TOPIC}-")
    key = layout.parse_data_key(f"topics/{path}/{TOPIC}+3+{17:020d}.json.gz")
    assert key is not None
    assert key.opened is not None
    assert before <= key.opened <= time.time() * 1000


def test_the_delimiter_is_the_connectors(probe: Probe) -> None:
    assert probe.run("t", "|")[1].startswith("t|partition=3|t-")


TIMES = (0, 1, 999, 1_000, 951_782_399_999, 1_795_672_862_123, 4_102_444_800_000, 253_402_300_799_999)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-Duser.timezone=Asia/Kolkata",),
        ("-Duser.language=ar", "-Duser.country=EG", "-Duser.extensions=nu-arab"),
        ("-Duser.language=th", "-Duser.country=TH", "-Duser.extensions=ca-buddhist-nu-thai"),
    ],
    ids=["as it comes", "another time zone", "another script's digits", "another calendar"],
)
def test_the_stamp_is_the_layouts(probe: Probe, options: tuple[str, ...]) -> None:
    assert probe.stamps(*TIMES, options=options) == [layout.stamp(at) for at in TIMES]


def test_a_clock_that_is_set_back_does_not_set_a_files_time_back(probe: Probe) -> None:
    stamps = probe.stamps(5_000, 5_000, 1_000, 1_000, 4_999, 5_002, 6_000)

    assert stamps == [layout.stamp(at) for at in (5_000, 5_000, 5_001, 5_002, 5_003, 5_004, 6_000)]
