package logexporter.kafka;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Configurable;
import org.apache.kafka.common.security.auth.AuthenticationContext;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder;

/**
 * Makes the owner of an API key the principal of whoever logs in with it, as in Confluent Cloud: access rules name
 * the service account. The owners are in a JSON file, {@code {"key": {"owner": {"id": "sa-1"}}}}, whose path is the
 * broker's setting {@code api.keys.file}. A user that is not in it is its own principal.
 */
public class OwnerPrincipalBuilder extends DefaultKafkaPrincipalBuilder implements Configurable {
    private static final String SETTING = "api.keys.file";

    private final ObjectMapper mapper = new ObjectMapper();
    // Kafka asks at each request. An API key never changes its owner.
    private final Map<String, String> owners = new ConcurrentHashMap<>();
    private File keysFile;

    public OwnerPrincipalBuilder() {
        super(null, null);
    }

    @Override
    public void configure(Map<String, ?> configs) {
        Object file = configs.get(SETTING);
        if (file == null) {
            throw new IllegalArgumentException("The broker has no setting " + SETTING);
        }
        keysFile = new File(file.toString());
    }

    @Override
    public KafkaPrincipal build(AuthenticationContext context) {
        KafkaPrincipal user = super.build(context);
        if (KafkaPrincipal.ANONYMOUS.equals(user)) {
            return user;
        }
        return new KafkaPrincipal(user.getPrincipalType(), owners.computeIfAbsent(user.getName(), this::ownerOf));
    }

    private String ownerOf(String user) {
        try {
            String owner = keysFile.exists()
                    ? mapper.readTree(keysFile).path(user).path("owner").path("id").asText()
                    : "";
            return owner.isEmpty() ? user : owner;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
