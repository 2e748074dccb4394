package ccloud.logexporter;

import io.confluent.connect.storage.partitioner.DefaultPartitioner;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * The vendor's layout, with a folder for each object below it: the time (UTC) at which the sink opened its file.
 * A file that is opened later gets a key that sorts later: also after a rewind, after a restart, and on another VM.
 *
 * <p>encodePartition stays the vendor's, because the sink groups files, buffers and rotation by it. docs/s3-sink.md of
 * the project lists what this class needs from the vendor's classes.
 */
public class OrderedPartitioner<T> extends DefaultPartitioner<T> {
    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    // For all tasks of this JVM: the time must not go back when a task restarts.
    private static long last = -1;
    private static String stamp;

    @Override
    public String generatePartitionedPath(String topic, String encodedPartition) {
        String path = super.generatePartitionedPath(topic, encodedPartition);
        return path + delim + topic + "-" + stamp(System.currentTimeMillis());
    }

    /** After the clock was set back, each new stamp is a millisecond later, until the clock has caught up. */
    static synchronized String stamp(long now) {
        if (now != last) {
            last = now > last ? now : last + 1;
            stamp = STAMP.format(Instant.ofEpochMilli(last));
        }
        return stamp;
    }
}
