package ccloud.logexporter;

import io.confluent.connect.storage.partitioner.DefaultPartitioner;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * The vendor's layout, with a folder below it for each object: the time (UTC) at which the sink opened its file.
 * Whoever opens a file later writes a key that sorts later: after a rewind, after a restart, on another VM.
 *
 * <p>encodePartition stays the vendor's, as files, buffers and rotation are grouped by it. What this class needs of
 * the vendor's classes is listed in docs/s3-sink.md of the project.
 */
public class OrderedPartitioner<T> extends DefaultPartitioner<T> {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    // Of all tasks that this JVM ever runs: a task that starts again must not go back in time either.
    private static long last = -1;
    private static String stamp;

    @Override
    public String generatePartitionedPath(String topic, String encodedPartition) {
        String path = super.generatePartitionedPath(topic, encodedPartition);
        return path + delim + topic + "-" + stamp(System.currentTimeMillis());
    }

    /** A clock that was put back counts on from the last stamp, a millisecond each time, until it has caught up. */
    static synchronized String stamp(long now) {
        if (now != last) {
            last = now > last ? now : last + 1;
            stamp = STAMP.format(Instant.ofEpochMilli(last));
        }
        return stamp;
    }
}
