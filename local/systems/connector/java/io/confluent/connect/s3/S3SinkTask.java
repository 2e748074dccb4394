package io.confluent.connect.s3;

import io.confluent.connect.storage.partitioner.Partitioner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Passes each record to its partition's writer, and commits offsets of completed files only: at least once. */
public class S3SinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(S3SinkTask.class);

    private final Map<TopicPartition, TopicPartitionWriter> writers = new HashMap<>();
    private final Map<TopicPartition, Long> pausedUntil = new HashMap<>();
    private S3SinkConnectorConfig config;
    private S3Storage storage;
    private RecordFormat format;
    private Partitioner<?> partitioner;
    private ErrantRecordReporter reporter;

    @Override
    public String version() {
        return S3SinkConnector.loadVersion();
    }

    @Override
    public void start(Map<String, String> configuration) {
        config = new S3SinkConnectorConfig(configuration);
        format = new RecordFormat(config);
        storage = new S3Storage(config);
        if (!storage.bucketExists()) {
            throw new ConnectException(
                    "Non-existent S3 bucket: " + config.getString(S3SinkConnectorConfig.BUCKET));
        }
        // One for the life of the task, through every rebalance.
        partitioner = config.partitioner();
        reporter = config.getBoolean(S3SinkConnectorConfig.REPORT_NULL_VALUES) ? context.errantRecordReporter() : null;
    }

    @Override
    public void open(Collection<TopicPartition> partitions) {
        long now = System.currentTimeMillis();
        for (TopicPartition partition : partitions) {
            writers.put(partition, new TopicPartitionWriter(partition, config, storage, format, partitioner, now));
            // A partition that comes back after a rebalance is still paused in Connect.
            if (pausedUntil.remove(partition) != null) {
                context.resume(partition);
            }
        }
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        for (SinkRecord record : records) {
            if (!isSkipped(record)) {
                writers.get(new TopicPartition(record.topic(), record.kafkaPartition())).add(record);
            }
        }
        // As in the vendor's: there is no order among partitions.
        List<TopicPartition> shuffled = new ArrayList<>(writers.keySet());
        Collections.shuffle(shuffled);
        for (TopicPartition partition : shuffled) {
            write(partition, writers.get(partition));
        }
    }

    /** Only offsets of objects that are complete in the bucket; the rest is read again after a crash. */
    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        writers.forEach(
                (partition, writer) -> {
                    Long offset = writer.takeOffsetToCommit();
                    if (offset != null) {
                        offsets.put(partition, new OffsetAndMetadata(offset));
                    }
                });
        return offsets;
    }

    /** Open files are aborted, not flushed: their records were not committed and come again. */
    @Override
    public void close(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            TopicPartitionWriter writer = writers.remove(partition);
            if (writer != null) {
                writer.discard();
            }
        }
    }

    @Override
    public void stop() {
        if (storage != null) {
            storage.close();
        }
    }

    private void write(TopicPartition partition, TopicPartitionWriter writer) {
        long now = System.currentTimeMillis();
        if (isPaused(partition, now)) {
            return;
        }
        try {
            writer.write(now);
        } catch (FileExistsException e) {
            stepOver(partition, writer, e);
        } catch (RetriableException e) {
            pause(partition, writer, now, e);
        }
    }

    /** After a crash the records of a completed file come again; they get the next free name. */
    private void stepOver(TopicPartition partition, TopicPartitionWriter writer, FileExistsException exists) {
        long first = writer.firstOffset();
        try {
            long next = writer.nextFreeOffset();
            writer.discard();
            LOG.warn("{} exists already; {} goes on from offset {}", exists.getMessage(), partition, next);
            context.offset(partition, next);
        } catch (RetriableException e) {
            writer.discard();
            pause(partition, first, System.currentTimeMillis(), e);
        }
    }

    private void pause(TopicPartition partition, TopicPartitionWriter writer, long now, RetriableException e) {
        pause(partition, writer.discard(), now, e);
    }

    /** Pauses the partition until the next try, so that a long outage does not fill the memory. */
    private void pause(TopicPartition partition, Long restart, long now, RetriableException e) {
        long backoff = config.getLong(S3SinkConnectorConfig.RETRY_BACKOFF);
        LOG.error("{} is tried again from offset {} in {} ms", partition, restart, backoff, e);
        if (restart != null) {
            context.offset(partition, restart);
        }
        context.pause(partition);
        pausedUntil.put(partition, now + backoff);
        context.timeout(backoff);
    }

    private boolean isPaused(TopicPartition partition, long now) {
        Long until = pausedUntil.get(partition);
        if (until == null) {
            return false;
        }
        if (now < until) {
            context.timeout(until - now);
            return true;
        }
        pausedUntil.remove(partition);
        context.resume(partition);
        return false;
    }

    private boolean isSkipped(SinkRecord record) {
        if (record.value() != null) {
            return false;
        }
        String place = record.topic() + "-" + record.kafkaPartition() + "@" + record.kafkaOffset();
        if (!config.ignoresNullValues()) {
            throw new ConnectException(
                    "Null value at " + place + ", and " + S3SinkConnectorConfig.NULL_VALUES + " is fail");
        }
        LOG.debug("Skipped the null value at {}", place);
        if (reporter != null) {
            reporter.report(record, new DataException("Skipping null value record."));
        }
        return true;
    }
}
