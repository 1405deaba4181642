import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

/**
 * Asks AWS's Event Ruler. One question a line on standard input, {"pattern": "...", "event": "..."},
 * both as text; one answer a line: true, false, "rejected: why" for a pattern the Ruler does not
 * take, "error: why" for an event it does not take. With "old": true the Ruler searches as it did
 * before version 2.1, without an index by array element. {"number": "..."} is answered with the text
 * Java has for that double: before Java 19 it is not always the shortest.
 */
public final class Oracle {
    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(new java.io.BufferedOutputStream(System.out, 1 << 16), false, "UTF-8");
        String last = null;
        Machine machine = null;
        String refusal = null;
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode question = mapper.readTree(line);
            if (question.has("number")) {
                out.println(Double.parseDouble(question.get("number").textValue()));
                continue;
            }
            String pattern = question.get("pattern").textValue();
            boolean old = question.path("old").asBoolean();
            if (!(pattern + old).equals(last)) {
                last = pattern + old;
                machine = old ? Machine.builder().withStructuredMatching(false).build() : new Machine();
                refusal = compile(machine, pattern);
            }
            out.println(refusal != null ? refusal : match(machine, question.get("event").textValue()));
        }
        out.flush();
    }

    private static String compile(Machine machine, String pattern) {
        try {
            machine.addRule("rule", pattern);
            return null;
        } catch (Throwable t) {
            return "rejected: " + oneLine(t);
        }
    }

    private static String match(Machine machine, String event) {
        try {
            return String.valueOf(!machine.rulesForJSONEvent(event).isEmpty());
        } catch (Throwable t) {
            return "error: " + oneLine(t);
        }
    }

    private static String oneLine(Throwable t) {
        return (t.getClass().getSimpleName() + ": " + t.getMessage()).replaceAll("[\\r\\n]+", " ");
    }
}
