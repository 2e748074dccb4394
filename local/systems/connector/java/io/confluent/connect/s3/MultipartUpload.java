package io.confluent.connect.s3;

import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * The bytes of one object on their way to S3, in parts. The upload begins when the first part is full or the
 * object complete, so an object smaller than a part makes its three requests at the end.
 */
final class MultipartUpload extends OutputStream {
    private final S3Storage storage;
    private final String key;
    private final int partSize;
    private final int initialSize;
    private final List<CompletedPart> parts = new ArrayList<>();
    private byte[] buffer;
    private int length;
    private String uploadId;
    private boolean isAborted;

    /** A buffer that starts with {@code initialSize} bytes and grows up to {@code partSize}. */
    MultipartUpload(S3Storage storage, String key, int partSize, int initialSize) {
        this.storage = storage;
        this.key = key;
        this.partSize = partSize;
        this.initialSize = initialSize;
        this.buffer = new byte[initialSize];
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int count) {
        int position = offset;
        int left = isAborted ? 0 : count;
        while (left > 0) {
            if (length == partSize) {
                uploadPart();
            }
            int taken = Math.min(left, partSize - length);
            grow(length + taken);
            System.arraycopy(bytes, position, buffer, length, taken);
            length += taken;
            position += taken;
            left -= taken;
        }
    }

    /** Sends the rest and completes the object. */
    void complete() throws FileExistsException {
        if (length > 0 || parts.isEmpty()) {
            uploadPart();
        }
        storage.completeUpload(key, uploadId, parts);
    }

    /** Aborts the upload; later writes are dropped. */
    void abort() {
        isAborted = true;
        if (uploadId != null) {
            storage.abortUpload(key, uploadId);
        }
    }

    private void uploadPart() {
        if (uploadId == null) {
            uploadId = storage.createUpload(key);
        }
        parts.add(storage.uploadPart(key, uploadId, parts.size() + 1, buffer, length));
        length = 0;
        if (buffer.length > initialSize) {
            buffer = new byte[initialSize];
        }
    }

    private void grow(int needed) {
        if (needed > buffer.length) {
            long doubled = Math.max(needed, 2L * buffer.length);
            buffer = Arrays.copyOf(buffer, (int) Math.min(partSize, doubled));
        }
    }
}
