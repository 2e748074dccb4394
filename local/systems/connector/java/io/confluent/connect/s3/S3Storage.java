package io.confluent.connect.s3;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.exception.SdkServiceException;
import software.amazon.awssdk.core.retry.RetryUtils;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.StandardRetryStrategy;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.utils.Md5Utils;

/**
 * The bucket: the calls to S3, and the kinds of their errors. After a RetriableException the same records may be
 * written again later; after any other ConnectException the task must fail.
 */
final class S3Storage implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(S3Storage.class);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(20);

    private final S3Client client;
    private final String bucket;
    private final String encryption;
    private final String kmsKey;
    private final boolean conditionalWrites;
    private final boolean sendDigest;

    S3Storage(S3SinkConnectorConfig config) {
        client = client(config);
        bucket = config.getString(S3SinkConnectorConfig.BUCKET);
        encryption = emptyToNull(config.getString(S3SinkConnectorConfig.ENCRYPTION));
        kmsKey = emptyToNull(config.getString(S3SinkConnectorConfig.KMS_KEY));
        conditionalWrites = config.conditionalWrites();
        sendDigest = config.getBoolean(S3SinkConnectorConfig.SEND_DIGEST);
    }

    /** HeadBucket; a refusal (403) counts as existing, as the right to list is not needed for writing. */
    boolean bucketExists() {
        return exists("HeadBucket " + bucket, () -> client.headBucket(r -> r.bucket(bucket)));
    }

    /** HeadObject; a refusal (403) counts as existing. */
    boolean exists(String key) {
        return exists("HeadObject " + key, () -> client.headObject(r -> r.bucket(bucket).key(key)));
    }

    String createUpload(String key) {
        CreateMultipartUploadRequest request =
                CreateMultipartUploadRequest.builder()
                        .bucket(bucket)
                        .key(key)
                        .serverSideEncryption(encryption)
                        .ssekmsKeyId(kmsKey)
                        .build();
        return call("CreateMultipartUpload " + key, () -> client.createMultipartUpload(request)).uploadId();
    }

    CompletedPart uploadPart(String key, String uploadId, int number, byte[] bytes, int length) {
        // Unlike fromBytes this copies nothing; a retry opens the stream again.
        RequestBody body =
                RequestBody.fromContentProvider(
                        () -> new ByteArrayInputStream(bytes, 0, length), length, "application/octet-stream");
        UploadPartRequest request =
                UploadPartRequest.builder()
                        .bucket(bucket)
                        .key(key)
                        .uploadId(uploadId)
                        .partNumber(number)
                        .contentMD5(sendDigest ? digest(bytes, length) : null)
                        .build();
        String tag = call("UploadPart " + key, () -> client.uploadPart(request, body)).eTag();
        return CompletedPart.builder().partNumber(number).eTag(tag).build();
    }

    private static String digest(byte[] bytes, int length) {
        return Md5Utils.md5AsBase64(Arrays.copyOf(bytes, length));
    }

    /** Completes the upload; only then the object exists. */
    void completeUpload(String key, String uploadId, List<CompletedPart> parts) throws FileExistsException {
        CompleteMultipartUploadRequest request =
                CompleteMultipartUploadRequest.builder()
                        .bucket(bucket)
                        .key(key)
                        .uploadId(uploadId)
                        .multipartUpload(u -> u.parts(parts))
                        .ifNoneMatch(conditionalWrites ? "*" : null)
                        .build();
        try {
            client.completeMultipartUpload(request);
        } catch (SdkException e) {
            if (status(e) != 412) {
                throw translated("CompleteMultipartUpload " + key, e);
            }
            if (exists(key)) {
                throw new FileExistsException(key);
            }
            throw new RetriableException("CompleteMultipartUpload " + key + ": refused as existing, but gone", e);
        }
    }

    /** Failures are only logged: the bucket's lifecycle rule deletes unfinished uploads. */
    void abortUpload(String key, String uploadId) {
        try {
            client.abortMultipartUpload(r -> r.bucket(bucket).key(key).uploadId(uploadId));
        } catch (SdkException e) {
            LOG.warn("AbortMultipartUpload {}: {}", key, e.getMessage());
        }
    }

    @Override
    public void close() {
        client.close();
    }

    private boolean exists(String what, Supplier<?> head) {
        try {
            head.get();
            return true;
        } catch (SdkException e) {
            if (status(e) == 404) {
                return false;
            }
            if (status(e) == 403) {
                LOG.warn("{}: refused, taken as existing", what);
                return true;
            }
            throw translated(what, e);
        }
    }

    private static <T> T call(String what, Supplier<T> request) {
        try {
            return request.get();
        } catch (SdkException e) {
            throw translated(what, e);
        }
    }

    private static ConnectException translated(String what, SdkException e) {
        return isRetriable(e) ? new RetriableException(what + " failed", e) : new ConnectException(what + " failed", e);
    }

    private static boolean isRetriable(SdkException e) {
        if (e instanceof SdkServiceException) {
            int status = status(e);
            boolean isTemporary = status >= 500 || status == 408 || status == 409 || status == 429;
            return isTemporary
                    || RetryUtils.isThrottlingException(e)
                    || RetryUtils.isClockSkewException(e)
                    || e.retryable();
        }
        if (e instanceof ApiCallTimeoutException || e instanceof ApiCallAttemptTimeoutException) {
            return true;
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException) {
                return true;
            }
        }
        return e.retryable();
    }

    private static int status(SdkException e) {
        return e instanceof SdkServiceException ? ((SdkServiceException) e).statusCode() : 0;
    }

    private static S3Client client(S3SinkConnectorConfig config) {
        StandardRetryStrategy retries =
                AwsRetryStrategy.standardRetryStrategy().toBuilder()
                        .maxAttempts(Math.max(1, config.getInt(S3SinkConnectorConfig.PART_RETRIES)))
                        .backoffStrategy(backoff(config.getLong(S3SinkConnectorConfig.S3_RETRY_BACKOFF)))
                        .build();
        S3ClientBuilder builder =
                S3Client.builder()
                        .region(Region.of(config.getString(S3SinkConnectorConfig.REGION)))
                        .httpClientBuilder(ApacheHttpClient.builder())
                        .credentialsProvider(credentials(config))
                        .forcePathStyle(config.getBoolean(S3SinkConnectorConfig.PATH_STYLE))
                        // Not every store besides AWS knows the newer checksums.
                        .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                        .overrideConfiguration(o -> o.retryStrategy(retries));
        String url = emptyToNull(config.getString(S3SinkConnectorConfig.STORE_URL));
        if (url != null) {
            builder.endpointOverride(URI.create(url));
        }
        return builder.build();
    }

    private static BackoffStrategy backoff(long milliseconds) {
        return milliseconds == 0
                ? BackoffStrategy.retryImmediately()
                : BackoffStrategy.exponentialDelay(Duration.ofMillis(milliseconds), LONGEST_BACKOFF);
    }

    private static AwsCredentialsProvider credentials(S3SinkConnectorConfig config) {
        if (!config.hasAccessKey()) {
            return DefaultCredentialsProvider.builder().build();
        }
        return StaticCredentialsProvider.create(
                AwsBasicCredentials.create(
                        config.getString(S3SinkConnectorConfig.ACCESS_KEY_ID), config.secretAccessKey()));
    }

    private static String emptyToNull(String value) {
        return value == null || value.isEmpty() ? null : value;
    }
}
