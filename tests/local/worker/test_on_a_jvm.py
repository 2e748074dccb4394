"""Files of the VM, read by Kafka's own classes on a JVM."""

import runpy
import subprocess
from pathlib import Path

import pytest

from components.worker.bundle import files
from components.worker.files.watchdog.journal import SKIPPED
from local.base import java
from local.systems.packages import debs
from local.systems.packages.debs import Line
from tests.unit.components.worker.test_fetch_secrets import FILE as FETCH_SECRETS
from tests.unit.components.worker.test_rendered import config as rendered_config

# Connect's own report of an event that it skips: the converter's exception goes to the reporter's logger.
SKIP = """
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.SinkConnectorConfig;
import org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics;
import org.apache.kafka.connect.runtime.errors.LogReporter;
import org.apache.kafka.connect.runtime.errors.ProcessingContext;
import org.apache.kafka.connect.runtime.errors.Stage;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.util.ConnectorTaskId;
import org.slf4j.LoggerFactory;

public class Skip {
    public static void main(String[] args) throws Exception {
        Map<String, String> worker = new HashMap<>();
        worker.put("bootstrap.servers", "127.0.0.1:9");
        worker.put("key.converter", "org.apache.kafka.connect.json.JsonConverter");
        worker.put("value.converter", "org.apache.kafka.connect.json.JsonConverter");
        worker.put("offset.storage.file.filename", "unused");
        Map<String, String> connector = new HashMap<>();
        connector.put("name", "a-sink");
        connector.put("connector.class", "a.Sink");
        connector.put("topics", "t");
        connector.put("errors.log.enable", "true");
        connector.put("errors.log.include.messages", "true");
        ConnectorTaskId task = new ConnectorTaskId("a-sink", 0);
        ErrorHandlingMetrics metrics = new ErrorHandlingMetrics(
            task, new ConnectMetrics("worker", new StandaloneConfig(worker), Time.SYSTEM, "cluster"));
        LogReporter.Sink reporter = new LogReporter.Sink(
            task, new SinkConnectorConfig(new Plugins(new HashMap<>()), connector), metrics);
        JsonConverter converter = new JsonConverter();
        converter.configure(java.util.Collections.singletonMap("schemas.enable", "false"), false);
        byte[] event = args[0].getBytes("UTF-8");
        try {
            converter.toConnectData("t", event);
        } catch (Exception error) {
            ProcessingContext<ConsumerRecord<byte[], byte[]>> context =
                new ProcessingContext<>(new ConsumerRecord<>("t", 5, 100L, new byte[0], event));
            context.currentContext(Stage.VALUE_CONVERTER, JsonConverter.class);
            context.error(error);
            reporter.report(context);
            LoggerFactory.getLogger(Skip.class).error("elsewhere", error);
        }
    }
}
"""

# FileConfigProvider gives the value; JaasContext reads it as the login does.
LOGIN = """
import java.util.Collections;
import java.util.Map;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.provider.FileConfigProvider;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

public class Login {
    public static void main(String[] args) throws Exception {
        try (FileConfigProvider provider = new FileConfigProvider()) {
            provider.configure(Collections.singletonMap("allowed.paths", args[0]));
            Map<String, String> data = provider.get(args[0] + "/secrets.properties").data();
            Password jaas = new Password(data.get("kafka.sasl.jaas.config"));
            Map<String, ?> login = JaasContext.loadClientContext(
                Collections.singletonMap(SaslConfigs.SASL_JAAS_CONFIG, jaas))
                .configurationEntries().get(0).getOptions();
            System.out.println(login.get("username") + " " + login.get("password"));
        }
    }
}
"""


# What a consumer does that no property of ours says.
DEFAULTS = """
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;

public class Defaults {
    public static void main(String[] args) {
        Map<String, Object> values = ConsumerConfig.configDef().defaultValues();
        for (String name : args) {
            System.out.println(name + "=" + values.get(name));
        }
    }
}
"""

JAVA = {"7.9": 8, "8.3": 17}
"""Platform -> a Java version that runs it, for settings that are valid."""


@pytest.fixture(params=debs.LINES, ids=lambda line: f"platform {line.platform}")
def line(request: pytest.FixtureRequest) -> Line:
    found: Line = request.param
    return found


def run_java(line: Line, folder: Path, source: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
    """The output of a program of one source file with the jars of a line's Kafka on its class path."""
    file = folder / "Program.java"
    file.write_text(source)
    done = subprocess.run(
        ["java", *java.SHORT_LIVED, *options, "-cp", f"{line.jars()}/*", str(file), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_log_names_a_skipped_event_as_the_watchdog_reads_it_and_has_nothing_of_its_content(
    line: Line, tmp_path: Path
) -> None:
    platform = {"platformVersion": line.platform, "javaVersion": JAVA[line.platform]}
    config = tmp_path / line.log4j
    config.write_text(files(rendered_config(worker=platform))[f"/etc/kafka/{line.log4j}"].content)
    options = (f"{line.log4j_option}{config}", f"-Dkafka.logs.dir={tmp_path}")

    output = run_java(line, tmp_path, SKIP, "plantedword rest of the event", options=options)
    log = (tmp_path / "connect.log").read_text()

    (skipped,) = (line for line in output.splitlines() if "(LogReporter)" in line)
    found = SKIPPED.search(skipped)
    assert found is not None, skipped
    assert found.groups() == ("a-sink", "t", "5", "100")
    # The same exception elsewhere quotes the event: without a layout of its own the reporter would, too.
    assert "plantedword" in output.partition("elsewhere")[2]
    assert "plantedword" not in output.partition("elsewhere")[0]
    assert "LogReporter" not in log


def test_kafkas_login_gets_the_secret_as_it_was_issued(line: Line, tmp_path: Path) -> None:
    fetch_secrets = runpy.run_path(str(FETCH_SECRETS))
    secret = 'se"cr\\et/+=:#!'
    properties = fetch_secrets["PROPERTIES"]["kafka"]({"key": "KAFKAKEY", "secret": secret})
    fetch_secrets["write"](tmp_path / "secrets.properties", fetch_secrets["java_properties"](properties))

    assert run_java(line, tmp_path, LOGIN, str(tmp_path)).splitlines()[-1] == f"KAFKAKEY {secret}"


def test_workers_of_each_platform_can_be_in_one_consumer_group(line: Line, tmp_path: Path) -> None:
    """While `pulumi up` replaces the VMs of one platform by those of another."""
    names = ("group.protocol", "partition.assignment.strategy", "session.timeout.ms", "isolation.level")

    assert run_java(line, tmp_path, DEFAULTS, *names).splitlines() == [
        "group.protocol=classic",
        "partition.assignment.strategy=[class org.apache.kafka.clients.consumer.RangeAssignor, "
        "class org.apache.kafka.clients.consumer.CooperativeStickyAssignor]",
        "session.timeout.ms=45000",
        "isolation.level=read_uncommitted",
    ]
