import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * What a broker of Amazon MSK does with the token of its IAM access control: the token is
 * a presigned URL, and its signature is computed again with the secret of the access key.
 * The keys are in a properties file, one line ID=SECRET or ID=SECRET,SESSIONTOKEN each.
 */
public class MskSignature implements AuthenticateCallbackHandler {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'");
    private Path keys;

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> jaas) {
        keys = Path.of((String) jaas.get(0).getOptions().get("unsecuredLoginStringClaim_keys"));
    }

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback c : callbacks) {
            if (c instanceof OAuthBearerValidatorCallback v) {
                try {
                    v.token(validate(v.tokenValue()));
                } catch (Exception e) {
                    System.out.println("MskSignature refuses: " + e.getMessage());
                    v.error("access_denied", null, null);
                }
            } else if (c instanceof OAuthBearerExtensionsValidatorCallback x) {
                x.inputExtensions().map().keySet().forEach(x::valid);
            } else {
                throw new UnsupportedCallbackException(c);
            }
        }
    }

    private OAuthBearerToken validate(String token) throws Exception {
        URI url = new URI(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
        TreeMap<String, String> query = new TreeMap<>();
        for (String pair : url.getRawQuery().split("&")) {
            String[] kv = pair.split("=", 2);
            query.put(decode(kv[0]), decode(kv[1]));
        }
        demand("Action", "kafka-cluster:Connect", query.get("Action"));
        demand("algorithm", "AWS4-HMAC-SHA256", query.get("X-Amz-Algorithm"));
        demand("signed headers", "host", query.get("X-Amz-SignedHeaders"));
        String[] credential = query.get("X-Amz-Credential").split("/");
        String id = credential[0], day = credential[1], region = credential[2];
        demand("service", "kafka-cluster", credential[3]);
        demand("scope", "aws4_request", credential[4]);
        demand("host", "kafka." + region + ".amazonaws.com", url.getHost());
        String date = query.get("X-Amz-Date");
        Instant from = LocalDateTime.parse(date, DATE).toInstant(ZoneOffset.UTC);
        Instant until = from.plusSeconds(Long.parseLong(query.get("X-Amz-Expires")));
        if (Instant.now().isAfter(until) || Instant.now().plusSeconds(300).isBefore(from)) {
            throw new SecurityException("it held from " + from + " to " + until);
        }
        Properties known = new Properties();
        try (var in = Files.newBufferedReader(keys)) {
            known.load(in);
        }
        String[] secret = known.getProperty(id, "").split(",");
        if (secret[0].isEmpty()) {
            throw new SecurityException("the access key " + id + " is not known");
        }
        demand("session token", secret.length > 1 ? secret[1] : null, query.get("X-Amz-Security-Token"));
        String given = query.remove("X-Amz-Signature");
        query.remove("User-Agent"); // added after signing
        StringBuilder canonical = new StringBuilder();
        for (Map.Entry<String, String> e : query.entrySet()) {
            canonical.append(canonical.length() == 0 ? "" : "&").append(encode(e.getKey())).append('=').append(encode(e.getValue()));
        }
        String request = "GET\n/\n" + canonical + "\nhost:" + url.getHost() + "\n\nhost\n" + hash("");
        String scope = day + "/" + region + "/kafka-cluster/aws4_request";
        String text = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hash(request);
        byte[] key = mac(mac(mac(mac(("AWS4" + secret[0]).getBytes(StandardCharsets.UTF_8), day), region), "kafka-cluster"), "aws4_request");
        demand("signature", HexFormat.of().formatHex(mac(key, text)), given);
        return new Signed(token, id, from.toEpochMilli(), until.toEpochMilli());
    }

    private static void demand(String what, String want, String got) {
        if (want == null ? got != null : !want.equals(got)) {
            throw new SecurityException("its " + what + " is not the right one");
        }
    }

    private static byte[] mac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hash(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String decode(String s) {
        return URLDecoder.decode(s, StandardCharsets.UTF_8);
    }

    private static String encode(String s) {
        return URLEncoder.encode(s, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    private record Signed(String value, String principalName, Long startTimeMs, long lifetimeMs) implements OAuthBearerToken {
        @Override
        public Set<String> scope() {
            return Set.of();
        }
    }
}
