package io.confluent.connect.storage.partitioner;

import java.util.Map;
import org.apache.kafka.connect.sink.SinkRecord;

/** One folder for each partition of a topic. Has the vendor's name, and the one field of it that the project uses. */
public class DefaultPartitioner<T> implements Partitioner<T> {
    protected String delim;

    @Override
    public void configure(Map<String, Object> config) {
        delim = (String) config.get("directory.delim");
    }

    @Override
    public String encodePartition(SinkRecord record) {
        return "partition=" + record.kafkaPartition();
    }

    @Override
    public String generatePartitionedPath(String topic, String encodedPartition) {
        return topic + delim + encodedPartition;
    }
}
