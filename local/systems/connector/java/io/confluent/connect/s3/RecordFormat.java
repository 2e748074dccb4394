package io.confluent.connect.s3;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;

/** How a record's value becomes bytes of the file. */
final class RecordFormat {
    private final Converter converter;
    private final byte[] end;

    RecordFormat(S3SinkConnectorConfig config) {
        converter = config.isJson() ? new JsonConverter() : new ByteArrayConverter();
        converter.configure(Collections.singletonMap("schemas.enable", "false"), false);
        end = (config.isJson() ? "\n" : config.bytesSeparator()).getBytes(StandardCharsets.UTF_8);
    }

    /** One JSON document, or the unchanged bytes. */
    byte[] value(SinkRecord record) {
        return converter.fromConnectData(record.topic(), record.valueSchema(), record.value());
    }

    /** What follows each value. */
    byte[] end() {
        return end;
    }
}
