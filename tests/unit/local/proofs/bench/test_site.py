"""A worker of a measurement has a VM's files and JVM options, in other folders."""

from pathlib import Path

from components.worker import connect
from local.proofs.bench.site import jvm_options, moved
from tests.unit.components.worker.test_rendered import config


def test_no_folder_of_the_vm_is_left() -> None:
    rendered = connect.worker_properties(config())
    folders = (connect.SECRETS_FOLDER, connect.STATE_FOLDER, connect.PLUGIN_FOLDER)

    found = moved(rendered, {folder: Path(f"/elsewhere/{place}") for place, folder in enumerate(folders)})

    assert found.keys() == rendered.keys()
    assert not [value for value in found.values() if any(folder in value for folder in folders)]
    assert (
        found["sasl.jaas.config"]
        == "${file:/elsewhere/0/" + Path(connect.SECRETS_FILE).name + ":kafka.sasl.jaas.config}"
    )


def test_the_jvm_has_the_heap_and_the_collector_of_a_vm() -> None:
    options = jvm_options(config(worker={"heapMb": 300}))

    assert {"-Xms150m", "-Xmx300m", "-XX:+UseSerialGC"} <= set(options)
    assert not [option for option in options if not option.startswith("-")]
