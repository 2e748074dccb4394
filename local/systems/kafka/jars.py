"""Kafka's jars and the broker's own login check, built once into the cache."""

from pathlib import Path

from local.base import java

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_POM_4 = _HERE / "pom-4.xml"
_SOURCES = _HERE / "java"


def ensure() -> Path:
    """A folder with the jars of Apache Kafka: broker, Connect, its converters and transformations.

    Raises:
        ToolError: Maven is missing or failed.
    """
    return java.dependencies("kafka", _POM, text="Kafka's jars from Maven Central")


def ensure_kafka_4() -> Path:
    """A folder with the jars of Kafka 4, of which platform 8 is made: Connect, as above, and the tools.

    Raises:
        ToolError: Maven is missing or failed.
    """
    return java.dependencies("kafka-4", _POM_4, text="The jars of Kafka 4 from Maven Central")


def ensure_login() -> Path:
    """A folder with the jar that checks the broker's users; the worker on the VM does not get it.

    Raises:
        ToolError: Maven or the JDK is missing or failed.
    """
    kafka = ensure()
    return java.ensure(
        "kafka-login",
        [_POM, *sorted(_SOURCES.rglob("*.java"))],
        lambda directory: java.compile_jar(_SOURCES, [kafka], directory / "kafka-login.jar"),
        text="The broker's login check",
    )
