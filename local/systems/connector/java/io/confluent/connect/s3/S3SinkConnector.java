package io.confluent.connect.s3;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/**
 * Stands in for Confluent's S3 sink in the local stack, under its class name and with its settings: same keys, same
 * bodies, same requests to S3. Written for this project; the vendor's own is used when CONNECTOR_ARCHIVE names it.
 */
public class S3SinkConnector extends SinkConnector {
    private Map<String, String> properties = Collections.emptyMap();

    @Override
    public void start(Map<String, String> configuration) {
        new S3SinkConnectorConfig(configuration);
        properties = new HashMap<>(configuration);
    }

    @Override
    public Class<? extends Task> taskClass() {
        return S3SinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        List<Map<String, String>> configurations = new ArrayList<>();
        for (int task = 0; task < maxTasks; task++) {
            configurations.add(new HashMap<>(properties));
        }
        return configurations;
    }

    @Override
    public void stop() {}

    @Override
    public ConfigDef config() {
        return S3SinkConnectorConfig.definition();
    }

    @Override
    public Config validate(Map<String, String> configuration) {
        List<ConfigValue> values = new ArrayList<>(super.validate(configuration).configValues());
        S3SinkConnectorConfig.problems(configuration)
                .forEach((name, problem) -> valueOf(values, name).addErrorMessage(problem));
        return new Config(values);
    }

    /** The version of the connector's archive. */
    @Override
    public String version() {
        return loadVersion();
    }

    static String loadVersion() {
        Properties file = new Properties();
        try (InputStream in = S3SinkConnector.class.getResourceAsStream("version.properties")) {
            file.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file.getProperty("version");
    }

    private static ConfigValue valueOf(List<ConfigValue> values, String name) {
        for (ConfigValue value : values) {
            if (value.name().equals(name)) {
                return value;
            }
        }
        ConfigValue added = new ConfigValue(name);
        values.add(added);
        return added;
    }
}
