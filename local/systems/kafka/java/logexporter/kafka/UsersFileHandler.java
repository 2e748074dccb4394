package logexporter.kafka;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.plain.PlainAuthenticateCallback;

/**
 * Checks SASL PLAIN against a JSON file, {@code {"users": {"key": "secret"}}}, that is read at each login: keys
 * are added and removed while the broker runs, as in Confluent Cloud. The file's path is the option {@code
 * users_file} of the login module.
 */
public class UsersFileHandler implements AuthenticateCallbackHandler {
    private static final String OPTION = "users_file";

    private final ObjectMapper mapper = new ObjectMapper();
    private File usersFile;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        for (AppConfigurationEntry entry : entries) {
            Object option = entry.getOptions().get(OPTION);
            if (option != null) {
                usersFile = new File(option.toString());
            }
        }
        if (usersFile == null) {
            throw new IllegalArgumentException("The login module has no option " + OPTION);
        }
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
        String user = null;
        for (Callback callback : callbacks) {
            if (callback instanceof NameCallback) {
                user = ((NameCallback) callback).getDefaultName();
            } else if (callback instanceof PlainAuthenticateCallback) {
                PlainAuthenticateCallback plain = (PlainAuthenticateCallback) callback;
                plain.authenticated(matches(user, plain.password()));
            } else {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    private boolean matches(String user, char[] password) throws IOException {
        JsonNode expected = mapper.readTree(usersFile).path("users").path(user == null ? "" : user);
        if (!expected.isTextual() || password == null) {
            return false;
        }
        byte[] given = new String(password).getBytes(StandardCharsets.UTF_8);
        return MessageDigest.isEqual(expected.textValue().getBytes(StandardCharsets.UTF_8), given);
    }

    @Override
    public void close() {}
}
