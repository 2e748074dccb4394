package io.confluent.connect.s3;

import io.confluent.connect.storage.partitioner.DefaultPartitioner;
import io.confluent.connect.storage.partitioner.Partitioner;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.Deflater;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.NonEmptyString;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;
import software.amazon.awssdk.regions.Region;

/**
 * The vendor's settings, by the vendor's names and defaults.
 *
 * <p>Stricter than the vendor: a setting that is known to neither this connector nor Connect is an error, and one
 * that would change the output in a way the stand-in does not implement is accepted with its default only.
 */
final class S3SinkConnectorConfig extends AbstractConfig {
    static final String BUCKET = "s3.bucket.name";
    static final String REGION = "s3.region";
    static final String PART_SIZE = "s3.part.size";
    static final String ELASTIC_BUFFER = "s3.elastic.buffer.enable";
    static final String ELASTIC_BUFFER_INITIAL = "s3.elastic.buffer.init.capacity";
    static final String COMPRESSION = "s3.compression.type";
    static final String COMPRESSION_LEVEL = "s3.compression.level";
    static final String PART_RETRIES = "s3.part.retries";
    static final String S3_RETRY_BACKOFF = "s3.retry.backoff.ms";
    static final String RETRY_BACKOFF = "retry.backoff.ms";
    static final String ACCESS_KEY_ID = "aws.access.key.id";
    static final String SECRET_ACCESS_KEY = "aws.secret.access.key";
    static final String STORE_URL = "store.url";
    static final String PATH_STYLE = "s3.path.style.access.enabled";
    static final String ENCRYPTION = "s3.ssea.name";
    static final String KMS_KEY = "s3.sse.kms.key.id";
    static final String TOPICS_DIR = "topics.dir";
    static final String DIRECTORY_DELIMITER = "directory.delim";
    static final String FILE_DELIMITER = "file.delim";
    static final String OFFSET_WIDTH = "filename.offset.zero.pad.width";
    static final String FLUSH_SIZE = "flush.size";
    static final String ROTATE_SCHEDULE = "rotate.schedule.interval.ms";
    static final String TIMEZONE = "timezone";
    static final String FORMAT = "format.class";
    static final String STORAGE = "storage.class";
    static final String BYTES_EXTENSION = "format.bytearray.extension";
    static final String BYTES_SEPARATOR = "format.bytearray.separator";
    static final String PARTITIONER = "partitioner.class";
    static final String NULL_VALUES = "behavior.on.null.values";
    static final String REPORT_NULL_VALUES = "report.null.values.to.dlq";
    static final String SEND_DIGEST = "s3.send.digest";
    static final String CONDITIONAL_WRITES = "enable.conditional.writes";

    static final String JSON_FORMAT = "io.confluent.connect.s3.format.json.JsonFormat";
    static final String BYTES_FORMAT = "io.confluent.connect.s3.format.bytearray.ByteArrayFormat";

    private static final int MIN_PART_SIZE = 5 * 1024 * 1024;

    /** Vendor's settings that the stand-in does not act on, with the only value it accepts: their default. */
    private static final Map<String, String> DEFAULT_ONLY = defaultOnly();

    /** Settings of Connect itself that every sink connector may carry. */
    private static final Set<String> FRAMEWORK =
            new HashSet<>(
                    Arrays.asList(
                            "name",
                            "connector.class",
                            "tasks.max",
                            "tasks.max.enforce",
                            "topics",
                            "topics.regex",
                            "key.converter",
                            "value.converter",
                            "header.converter",
                            "transforms",
                            "predicates",
                            "config.action.reload",
                            "errors.retry.timeout",
                            "errors.retry.delay.max.ms",
                            "errors.tolerance",
                            "errors.log.enable",
                            "errors.log.include.messages",
                            "errors.deadletterqueue.topic.name",
                            "errors.deadletterqueue.topic.replication.factor",
                            "errors.deadletterqueue.context.headers.enable",
                            // Added by Connect to each task's configuration.
                            "task.class"));

    private static final String[] FRAMEWORK_PREFIXES = {
        "key.converter.",
        "value.converter.",
        "header.converter.",
        "consumer.override.",
        "producer.override.",
        "admin.override.",
    };

    /** Throws ConfigException with every problem that {@link #problems} finds. */
    S3SinkConnectorConfig(Map<String, String> properties) {
        super(definition(), properties);
        Map<String, String> problems = problems(properties);
        if (!problems.isEmpty()) {
            throw new ConfigException(String.join("; ", problems.values()));
        }
    }

    static ConfigDef definition() {
        ConfigDef definition = new ConfigDef();
        define(definition, BUCKET, Type.STRING, ConfigDef.NO_DEFAULT_VALUE, new NonEmptyString());
        define(definition, REGION, Type.STRING, "us-west-2", S3SinkConnectorConfig::knownRegion);
        define(definition, PART_SIZE, Type.INT, 26214400, Range.between(MIN_PART_SIZE, Integer.MAX_VALUE));
        define(definition, ELASTIC_BUFFER, Type.BOOLEAN, false, null);
        define(definition, ELASTIC_BUFFER_INITIAL, Type.INT, 131072, Range.atLeast(4096));
        define(definition, COMPRESSION, Type.STRING, "none", ValidString.in("none", "gzip"));
        define(
                definition,
                COMPRESSION_LEVEL,
                Type.INT,
                Deflater.DEFAULT_COMPRESSION,
                Range.between(Deflater.DEFAULT_COMPRESSION, Deflater.BEST_COMPRESSION));
        define(definition, PART_RETRIES, Type.INT, 3, Range.atLeast(0));
        define(definition, S3_RETRY_BACKOFF, Type.LONG, 200L, Range.atLeast(0L));
        define(definition, RETRY_BACKOFF, Type.LONG, 5000L, Range.atLeast(0L));
        define(definition, ACCESS_KEY_ID, Type.STRING, "", null);
        define(definition, SECRET_ACCESS_KEY, Type.PASSWORD, null, null);
        define(definition, STORE_URL, Type.STRING, null, null);
        define(definition, PATH_STYLE, Type.BOOLEAN, true, null);
        define(definition, ENCRYPTION, Type.STRING, "", ValidString.in("", "AES256", "aws:kms"));
        define(definition, KMS_KEY, Type.STRING, "", null);
        define(definition, TOPICS_DIR, Type.STRING, "topics", null);
        define(definition, DIRECTORY_DELIMITER, Type.STRING, "/", new NonEmptyString());
        define(definition, FILE_DELIMITER, Type.STRING, "+", new NonEmptyString());
        define(definition, OFFSET_WIDTH, Type.INT, 10, Range.atLeast(0));
        define(definition, FLUSH_SIZE, Type.INT, ConfigDef.NO_DEFAULT_VALUE, Range.atLeast(1));
        define(definition, ROTATE_SCHEDULE, Type.LONG, -1L, Range.atLeast(-1L));
        define(definition, TIMEZONE, Type.STRING, "", S3SinkConnectorConfig::knownTimezone);
        define(
                definition,
                FORMAT,
                Type.STRING,
                ConfigDef.NO_DEFAULT_VALUE,
                ValidString.in(JSON_FORMAT, BYTES_FORMAT));
        define(
                definition,
                STORAGE,
                Type.STRING,
                ConfigDef.NO_DEFAULT_VALUE,
                ValidString.in("io.confluent.connect.s3.storage.S3Storage"));
        define(definition, BYTES_EXTENSION, Type.STRING, ".bin", null);
        define(definition, BYTES_SEPARATOR, Type.STRING, null, null);
        define(
                definition,
                PARTITIONER,
                Type.CLASS,
                DefaultPartitioner.class,
                S3SinkConnectorConfig::knownPartitioner);
        define(definition, NULL_VALUES, Type.STRING, "fail", ValidString.in("fail", "ignore"));
        define(definition, REPORT_NULL_VALUES, Type.BOOLEAN, true, null);
        define(definition, SEND_DIGEST, Type.BOOLEAN, false, null);
        define(definition, CONDITIONAL_WRITES, Type.BOOLEAN, true, null);
        // Only time-based partitioners use it, so any value is harmless.
        define(definition, "locale", Type.STRING, "", null);
        for (Map.Entry<String, String> entry : DEFAULT_ONLY.entrySet()) {
            define(definition, entry.getKey(), Type.STRING, entry.getValue(), ValidString.in(entry.getValue()));
        }
        return definition;
    }

    /** Errors that concern several settings, by setting; empty if there are none. */
    static Map<String, String> problems(Map<String, String> properties) {
        Map<String, String> problems = new LinkedHashMap<>();
        Set<String> known = definition().names();
        for (String name : properties.keySet()) {
            if (!known.contains(name) && !isFramework(name, properties)) {
                problems.put(name, "Unknown setting " + name + ": the stand-in connector has none of that name");
            }
        }
        if (isPositive(properties.get(ROTATE_SCHEDULE)) && isEmpty(properties.get(TIMEZONE))) {
            problems.put(TIMEZONE, TIMEZONE + " must be set when " + ROTATE_SCHEDULE + " is");
        }
        if (isEmpty(properties.get(ACCESS_KEY_ID)) != isEmpty(properties.get(SECRET_ACCESS_KEY))) {
            problems.put(ACCESS_KEY_ID, ACCESS_KEY_ID + " and " + SECRET_ACCESS_KEY + " must be set together");
        }
        return problems;
    }

    /** A partitioner of the configured class, loaded by Connect's class loader of this plugin. */
    Partitioner<?> partitioner() {
        Partitioner<?> partitioner = getConfiguredInstance(PARTITIONER, DefaultPartitioner.class);
        partitioner.configure(new HashMap<>(values()));
        return partitioner;
    }

    /** Whether an existing file must not be overwritten; as in the vendor's, only with scheduled rotation. */
    boolean conditionalWrites() {
        return getBoolean(CONDITIONAL_WRITES) && getLong(ROTATE_SCHEDULE) > 0;
    }

    /** The end of every file name, with its dots. */
    String extension() {
        String format = isJson() ? ".json" : getString(BYTES_EXTENSION);
        return isGzip() ? format + ".gz" : format;
    }

    boolean isJson() {
        return JSON_FORMAT.equals(getString(FORMAT));
    }

    boolean isGzip() {
        return "gzip".equals(getString(COMPRESSION));
    }

    String bytesSeparator() {
        String separator = getString(BYTES_SEPARATOR);
        return separator == null ? System.lineSeparator() : separator;
    }

    boolean ignoresNullValues() {
        return "ignore".equals(getString(NULL_VALUES));
    }

    boolean hasAccessKey() {
        return !isEmpty(getString(ACCESS_KEY_ID));
    }

    String secretAccessKey() {
        Password secret = getPassword(SECRET_ACCESS_KEY);
        return secret == null ? null : secret.value();
    }

    private static void define(
            ConfigDef definition, String name, Type type, Object value, ConfigDef.Validator validator) {
        definition.define(name, type, value, validator, Importance.MEDIUM, "See the vendor's documentation.");
    }

    private static boolean isFramework(String name, Map<String, String> properties) {
        if (FRAMEWORK.contains(name)) {
            return true;
        }
        for (String prefix : FRAMEWORK_PREFIXES) {
            if (name.startsWith(prefix)) {
                return true;
            }
        }
        return belongsToAlias(name, "transforms", properties) || belongsToAlias(name, "predicates", properties);
    }

    /** Connect itself silently accepts `transforms.x.type` without a transformation x. */
    private static boolean belongsToAlias(String name, String list, Map<String, String> properties) {
        if (!name.startsWith(list + ".") || isEmpty(properties.get(list))) {
            return false;
        }
        for (String alias : properties.get(list).split(",")) {
            if (name.startsWith(list + "." + alias.trim() + ".")) {
                return true;
            }
        }
        return false;
    }

    private static void knownRegion(String name, Object value) {
        if (Region.regions().stream().noneMatch(region -> region.id().equals(value))) {
            throw new ConfigException(name, value, "no region of AWS");
        }
    }

    private static void knownTimezone(String name, Object value) {
        if (isEmpty((String) value)) {
            return;
        }
        try {
            ZoneId.of((String) value);
        } catch (DateTimeException e) {
            throw new ConfigException(name, value, "no time zone");
        }
    }

    private static void knownPartitioner(String name, Object value) {
        // Null: a class that was not found, which is an error already.
        if (value != null && !DefaultPartitioner.class.isAssignableFrom((Class<?>) value)) {
            throw new ConfigException(name, value, "the stand-in has and takes only what extends DefaultPartitioner");
        }
    }

    private static Map<String, String> defaultOnly() {
        Map<String, String> values = new HashMap<>();
        values.put("rotate.interval.ms", "-1");
        values.put("partition.duration.ms", "-1");
        values.put("path.format", "");
        values.put("partition.field.name", "");
        values.put("timestamp.extractor", "Wallclock");
        values.put("timestamp.field", "timestamp");
        values.put(
                "s3.credentials.provider.class",
                "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider");
        values.put("s3.object.tagging", "false");
        values.put("s3.object.behavior.on.tagging.error", "ignore");
        values.put("s3.object.tagging.key.value.pairs", "");
        values.put("s3.acl.canned", "");
        values.put("s3.wan.mode", "false");
        values.put("rotate.file.on.partition.change", "true");
        values.put("partitioner.max.open.files", "-1");
        values.put("max.write.duration.ms", String.valueOf(Long.MAX_VALUE));
        values.put("schema.compatibility", "NONE");
        values.put("store.kafka.keys", "false");
        values.put("store.kafka.headers", "false");
        return Collections.unmodifiableMap(values);
    }

    private static boolean isPositive(String value) {
        try {
            return value != null && Long.parseLong(value.trim()) > 0;
        } catch (NumberFormatException e) {
            // The definition's own check reports it.
            return false;
        }
    }

    private static boolean isEmpty(String value) {
        return value == null || value.isEmpty();
    }
}
