package io.confluent.connect.s3;

/** The object that was to be completed is in the bucket already. */
final class FileExistsException extends Exception {
    private static final long serialVersionUID = 1L;

    FileExistsException(String key) {
        super(key);
    }
}
