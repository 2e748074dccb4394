package io.confluent.connect.storage.partitioner;

import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;

/** The part of the vendor's interface that the project uses, and may rely on (docs/s3-sink.md). */
public interface Partitioner<T> {
    void configure(Map<String, Object> config);

    String encodePartition(SinkRecord record);

    default String encodePartition(SinkRecord record, long now) {
        return encodePartition(record);
    }

    String generatePartitionedPath(String topic, String encodedPartition);
}
