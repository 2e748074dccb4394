package logexporter.bench;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads records and does nothing with them: what the same client carries without Connect, without a format, without S3.
 *
 * <p>Arguments: the consumer's properties, its topics with commas, and the numbers of records. It reads the first number,
 * prints a line, reads the second number, and so on. It then waits for the end of its input: as long as it is there,
 * the caller can see what it has used.
 */
public final class BareConsumer {
    private BareConsumer() {}

    public static void main(String[] arguments) throws IOException {
        Properties properties = new Properties();
        try (InputStream file = new FileInputStream(arguments[0])) {
            properties.load(file);
        }
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            consumer.subscribe(Arrays.asList(arguments[1].split(",")));
            for (String number : Arrays.asList(arguments).subList(2, arguments.length)) {
                long left = Long.parseLong(number);
                while (left > 0) {
                    left -= consumer.poll(Duration.ofSeconds(1)).count();
                }
                System.out.println(number);
            }
            while (System.in.read() >= 0) {
                continue;
            }
        }
    }
}
