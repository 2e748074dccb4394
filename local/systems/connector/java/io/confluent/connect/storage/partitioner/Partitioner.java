package io.confluent.connect.storage.partitioner;

import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;

/** The vendor's interface, as far as the project uses it: what is not here must not be leaned on (docs/s3-sink.md). */
public interface Partitioner<T> {
    void configure(Map<String, Object> config);

    String encodePartition(SinkRecord record);

    default String encodePartition(SinkRecord record, long now) {
        return encodePartition(record);
    }

    String generatePartitionedPath(String topic, String encodedPartition);
}
