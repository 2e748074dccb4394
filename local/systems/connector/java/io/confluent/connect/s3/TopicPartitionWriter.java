package io.confluent.connect.s3;

import io.confluent.connect.storage.partitioner.Partitioner;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The files of one partition of a topic, one after the other. */
final class TopicPartitionWriter {
    private static final Logger LOG = LoggerFactory.getLogger(TopicPartitionWriter.class);

    /** How many names of a file's records are kept, and tried if a name is taken; the next one is used unchecked. */
    private static final int SCAN_LIMIT = 100;

    private final TopicPartition partition;
    private final S3SinkConnectorConfig config;
    private final S3Storage storage;
    private final RecordFormat format;
    private final Partitioner<?> partitioner;
    private final int flushSize;
    private final long rotationMillis;
    private final Deque<SinkRecord> waiting = new ArrayDeque<>();
    private final Map<Long, String> keys = new HashMap<>();
    private long nextRotation;
    private MultipartUpload upload;
    private OutputStream file;
    private int count;
    private long firstOffset;
    private long lastOffset;
    private Long offsetToCommit;

    TopicPartitionWriter(
            TopicPartition partition,
            S3SinkConnectorConfig config,
            S3Storage storage,
            RecordFormat format,
            Partitioner<?> partitioner,
            long now) {
        this.partition = partition;
        this.config = config;
        this.storage = storage;
        this.format = format;
        this.partitioner = partitioner;
        flushSize = config.getInt(S3SinkConnectorConfig.FLUSH_SIZE);
        rotationMillis = config.getLong(S3SinkConnectorConfig.ROTATE_SCHEDULE);
        nextRotation = nextRotation(now);
    }

    void add(SinkRecord record) {
        waiting.add(record);
    }

    /** Writes the waiting records, and completes every file that is full or due for rotation. */
    void write(long now) throws FileExistsException {
        if (count == 0 && now >= nextRotation) {
            nextRotation = nextRotation(now);
        }
        while (!waiting.isEmpty()) {
            SinkRecord record = waiting.peek();
            String encodedPartition = partitioner.encodePartition(record, now);
            if (keys.size() < SCAN_LIMIT) {
                // The vendor keeps a name for each of the first records: a partitioner must cope with these calls.
                keys.put(record.kafkaOffset(), key(partitioner.encodePartition(record), record.kafkaOffset()));
            }
            if (count > 0 && now >= nextRotation) {
                rotate(now);
                continue;
            }
            append(record, encodedPartition);
            waiting.remove();
            if (count >= flushSize) {
                complete();
            }
        }
        if (count > 0 && now >= nextRotation) {
            rotate(now);
        }
    }

    /**
     * Aborts the open file and drops the waiting records.
     *
     * @return the offset from which the records must come again; null if there are none
     */
    Long discard() {
        Long restart = count > 0 ? Long.valueOf(firstOffset) : null;
        if (restart == null && !waiting.isEmpty()) {
            restart = waiting.peek().kafkaOffset();
        }
        waiting.clear();
        if (upload != null) {
            upload.abort();
            closeFile();
        }
        forgetFile();
        return restart;
    }

    /** The offset of the open file's first record. */
    long firstOffset() {
        return firstOffset;
    }

    /**
     * The first offset after the open file's that is not the name of a file. Each skipped file holds at least the
     * record in its name, so no record is lost.
     */
    long nextFreeOffset() {
        long offset = firstOffset + 1;
        while (offset <= firstOffset + SCAN_LIMIT && keys.containsKey(offset) && storage.exists(keys.get(offset))) {
            offset++;
        }
        return offset;
    }

    /** The offset after the last completed file, once. */
    Long takeOffsetToCommit() {
        Long offset = offsetToCommit;
        offsetToCommit = null;
        return offset;
    }

    private void append(SinkRecord record, String encodedPartition) {
        // Before a file is opened: a value that cannot be written must not leave an empty one.
        byte[] value = format.value(record);
        if (upload == null) {
            firstOffset = record.kafkaOffset();
            open(key(encodedPartition, firstOffset));
        }
        // Counted first: if the write fails, the file must be aborted from its first record on.
        count++;
        lastOffset = record.kafkaOffset();
        try {
            file.write(value);
            file.write(format.end());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void open(String key) {
        int partSize = config.getInt(S3SinkConnectorConfig.PART_SIZE);
        int initialSize =
                config.getBoolean(S3SinkConnectorConfig.ELASTIC_BUFFER)
                        ? Math.min(partSize, config.getInt(S3SinkConnectorConfig.ELASTIC_BUFFER_INITIAL))
                        : partSize;
        upload = new MultipartUpload(storage, key, partSize, initialSize);
        file = upload;
        if (config.isGzip()) {
            try {
                file = new LeveledGzip(upload, config.getInt(S3SinkConnectorConfig.COMPRESSION_LEVEL));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void rotate(long now) throws FileExistsException {
        nextRotation = nextRotation(now);
        complete();
    }

    private void complete() throws FileExistsException {
        closeFile();
        upload.complete();
        offsetToCommit = lastOffset + 1;
        LOG.info("Completed a file of {} from offset {} to {}", partition, firstOffset, lastOffset);
        forgetFile();
    }

    /** Writes the end of the gzip stream into the upload; the upload itself has nothing to close. */
    private void closeFile() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void forgetFile() {
        upload = null;
        file = null;
        count = 0;
        keys.clear();
    }

    private String key(String encodedPartition, long offset) {
        String directory = config.getString(S3SinkConnectorConfig.DIRECTORY_DELIMITER);
        String delimiter = config.getString(S3SinkConnectorConfig.FILE_DELIMITER);
        String topicsDirectory = config.getString(S3SinkConnectorConfig.TOPICS_DIR);
        return (topicsDirectory.isEmpty() ? "" : topicsDirectory + directory)
                + partitioner.generatePartitionedPath(partition.topic(), encodedPartition)
                + directory
                + partition.topic()
                + delimiter
                + partition.partition()
                + delimiter
                + padded(offset, config.getInt(S3SinkConnectorConfig.OFFSET_WIDTH))
                + config.extension();
    }

    private static String padded(long offset, int width) {
        return width == 0 ? Long.toString(offset) : String.format("%0" + width + "d", offset);
    }

    /** Rotations are at whole multiples of the interval since midnight in the configured time zone. */
    private long nextRotation(long now) {
        if (rotationMillis <= 0) {
            return Long.MAX_VALUE;
        }
        ZoneId zone = ZoneId.of(config.getString(S3SinkConnectorConfig.TIMEZONE));
        ZonedDateTime midnight = Instant.ofEpochMilli(now).atZone(zone).toLocalDate().atStartOfDay(zone);
        long start = midnight.toInstant().toEpochMilli();
        long nextMidnight = midnight.plusDays(1).toInstant().toEpochMilli();
        return Math.min(start + ((now - start) / rotationMillis + 1) * rotationMillis, nextMidnight);
    }

    private static final class LeveledGzip extends GZIPOutputStream {
        private static final int BUFFER = 8192;

        LeveledGzip(OutputStream out, int level) throws IOException {
            super(out, BUFFER);
            def.setLevel(level);
        }
    }
}
