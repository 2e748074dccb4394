"""Records as Kafka Connect passes them to the S3 sink, by Kafka's own classes on a JVM."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from components.worker.connect import connectors, render
from local.base import java
from local.systems.kafka import jars
from tests.unit.components.worker.test_rendered import config

# The converter and the transformations as the worker builds them from the connector's properties; the last step is
# what the sink's JsonFormat does with a value that has no schema.
_CHAIN = """
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.transforms.Transformation;

public class Chain {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.load(new FileReader(args[0]));
        Converter converter = (Converter) made(properties.getProperty("value.converter"));
        converter.configure(below(properties, "value.converter."), false);
        List<Transformation<SinkRecord>> chain = new ArrayList<>();
        for (String name : properties.getProperty("transforms", "").split(",")) {
            if (name.isEmpty()) {
                continue;
            }
            Map<String, String> settings = below(properties, "transforms." + name + ".");
            Transformation<SinkRecord> step = transformation(settings.remove("type"));
            step.configure(settings);
            chain.add(step);
        }
        ObjectMapper mapper = new ObjectMapper();
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line : Files.readAllLines(Paths.get(args[1]))) {
            try {
                Object value = converter.toConnectData("t", line.getBytes("UTF-8")).value();
                SinkRecord record = new SinkRecord("t", 0, null, null, null, value, 0);
                for (Transformation<SinkRecord> step : chain) {
                    record = step.apply(record);
                }
                out.println("=" + mapper.writeValueAsString(record.value()));
            } catch (DataException skipped) {
                out.println("!" + skipped.getMessage().replace('\\n', ' '));
            }
        }
        out.flush();
    }

    @SuppressWarnings("unchecked")
    private static Transformation<SinkRecord> transformation(String type) throws Exception {
        return (Transformation<SinkRecord>) made(type);
    }

    private static Object made(String type) throws Exception {
        return Class.forName(type).getDeclaredConstructor().newInstance();
    }

    private static Map<String, String> below(Properties properties, String prefix) {
        Map<String, String> found = new HashMap<>();
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith(prefix)) {
                found.put(name.substring(prefix.length()), properties.getProperty(name));
            }
        }
        return found;
    }
}
"""


def transformed(folder: Path, values: Iterable[bytes], **connector: Any) -> list[str | None]:
    """The line of the archive that each record's value becomes; None for one that is skipped.

    Args:
        values: records of the topic, none with a line break in it.
        connector: settings of the connector (camelCase) that differ from the defaults.
    """
    properties = folder / "connector.properties"
    properties.write_text(render(connectors(config(connector=connector))[0].properties, "a test's"))
    lines = folder / "values"
    lines.write_bytes(b"".join(value + b"\n" for value in values))
    class_path = f"{jars.ensure()}/*:{_program()}"
    done = subprocess.run(
        ["java", *java.SHORT_LIVED, "-cp", class_path, "Chain", str(properties), str(lines)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line[1:] if line.startswith("=") else None for line in done.stdout.splitlines()]


def _program() -> Path:
    """The folder with the compiled program, built once."""

    def build(target: Path) -> None:
        source = target / "Chain.java"
        source.write_text(_CHAIN)
        java.run(
            ["javac", *java.JAVAC_OPTIONS, "-cp", f"{jars.ensure()}/*", "-d", str(target), str(source)],
            needs="openjdk-17-jdk-headless",
        )

    return java.ensure("test-chain", [_CHAIN], build, text="A test's program")


def transformed_event(folder: Path, event: Any, **connector: Any) -> Any:
    """The archived form of one event, parsed."""
    (line,) = transformed(folder, [json.dumps(event).encode()], **connector)
    return None if line is None else json.loads(line)
