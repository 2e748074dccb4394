"""Files of the VM, read by Kafka's own classes on a JVM."""

import runpy
import subprocess
from pathlib import Path

import pytest

from components.worker.bundle import files
from local.systems.packages import debs
from local.systems.packages.debs import Line
from tests.unit.components.worker.test_fetch_secrets import FILE as FETCH_SECRETS
from tests.unit.components.worker.test_rendered import config as rendered_config

# Connect's handling of an event that it skips: the converter's exception goes to the reporter's logger.
SKIP = """
import java.util.Collections;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.errors.LogReporter;
import org.slf4j.LoggerFactory;

public class Skip {
    public static void main(String[] args) throws Exception {
        JsonConverter converter = new JsonConverter();
        converter.configure(Collections.singletonMap("schemas.enable", "false"), false);
        try {
            converter.toConnectData("t", args[0].getBytes("UTF-8"));
        } catch (Exception error) {
            LoggerFactory.getLogger(LogReporter.class).error("skipped record", error);
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
        ["java", *options, "-cp", f"{line.jars()}/*", str(file), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_log_has_nothing_of_a_skipped_events_content(line: Line, tmp_path: Path) -> None:
    platform = {"platformVersion": line.platform, "javaVersion": JAVA[line.platform]}
    config = tmp_path / line.log4j
    config.write_text(files(rendered_config(worker=platform))[f"/etc/kafka/{line.log4j}"].content)
    options = (f"{line.log4j_option}{config}", f"-Dkafka.logs.dir={tmp_path}")

    output = run_java(line, tmp_path, SKIP, "plantedword rest of the event", options=options)
    log = (tmp_path / "connect.log").read_text()

    skipped = [line for line in output.splitlines() if "skipped record" in line]
    assert skipped == ["ERROR skipped record (LogReporter)"]
    # The same exception elsewhere quotes the event: without a layout of its own the reporter would, too.
    assert "plantedword" in output.partition("elsewhere")[2]
    assert "plantedword" not in output.partition("elsewhere")[0]
    assert "skipped record" not in log


def test_kafkas_login_gets_the_secret_as_it_was_issued(line: Line, tmp_path: Path) -> None:
    fetch_secrets = runpy.run_path(str(FETCH_SECRETS))
    secret = 'se"cr\\et/+=:#!'
    properties = fetch_secrets["kafka_properties"]({"key": "KAFKAKEY", "secret": secret})
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
