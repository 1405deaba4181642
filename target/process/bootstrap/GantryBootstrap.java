import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Runs a Java function for Lambda's Runtime API, with the JDK only (Java 8 and later).
 *
 * <p>A handler is Class::method, any public method, static or not, with an event and
 * perhaps a context, or with two streams; or Class alone, which implements RequestHandler
 * or RequestStreamHandler of aws-lambda-java-core (reached by reflection, so that jar need
 * not be on the class path). Events become maps, lists,
 * strings, numbers, or objects with setters. AWS's own runtime client is used instead of
 * this class where its jar comes with the function.
 */
public final class GantryBootstrap {
  private static final String CORE = "com.amazonaws.services.lambda.runtime.";

  public static void main(String[] args) throws Exception {
    Client client = new Client(System.getenv("AWS_LAMBDA_RUNTIME_API"));
    Handler handler;
    try {
      handler = Handler.find(System.getenv("_HANDLER"));
    } catch (Throwable t) {
      Throwable cause = unwrap(t);
      Map<String, Object> doc = document(cause);
      log(doc, cause);
      doc.keySet().retainAll(Arrays.asList("errorMessage", "errorType")); // no trace in Lambda's either
      client.post("init/error", Json.write(doc), "", cause.getClass().getName());
      System.exit(1);
      return;
    }
    for (;;) {
      invoke(client, handler);
    }
  }

  private static void invoke(Client client, Handler handler) throws IOException {
    Answer next = client.call("GET", "invocation/next", null, "", null);
    String id = next.headers.get("lambda-runtime-aws-request-id");
    String delivery = next.headers.get("lambda-runtime-invocation-id");
    String trace = next.headers.get("lambda-runtime-trace-id");
    if (trace != null) {
      System.setProperty("com.amazonaws.xray.traceHeader", trace);
    }
    byte[] answer;
    try {
      answer = handler.handle(next.body, next.headers);
    } catch (Throwable t) {
      Throwable cause = unwrap(t);
      Map<String, Object> doc = document(cause);
      log(doc, cause);
      client.post("invocation/" + id + "/error", Json.write(doc), delivery, String.valueOf(doc.get("errorType")));
      if (cause instanceof VirtualMachineError) {
        System.exit(1); // its state is unknown now
      }
      return;
    }
    client.post("invocation/" + id + "/response", answer, delivery, null);
  }

  private static Throwable unwrap(Throwable t) {
    return t instanceof InvocationTargetException && t.getCause() != null ? t.getCause() : t;
  }

  /** The error document, without this class's frames. */
  private static Map<String, Object> document(Throwable t) {
    Map<String, Object> doc = new LinkedHashMap<>();
    doc.put("errorMessage", t.getMessage());
    if (t instanceof Fault) {
      if (((Fault) t).type != null) {
        doc.put("errorType", ((Fault) t).type);
      }
      return doc;
    }
    doc.put("errorType", t.getClass().getName());
    List<String> frames = new ArrayList<>();
    for (StackTraceElement e : t.getStackTrace()) {
      if (e.getClassName().startsWith("GantryBootstrap")) {
        break;
      }
      if (!e.getClassName().contains("reflect.")) {
        frames.add(e.toString());
      }
    }
    doc.put("stackTrace", frames);
    if (t.getCause() != null && t.getCause() != t) {
      doc.put("cause", document(t.getCause()));
    }
    return doc;
  }

  private static void log(Map<String, Object> doc, Throwable t) {
    StringBuilder line = new StringBuilder(String.valueOf(doc.get("errorMessage"))).append(": ").append(doc.get("errorType"));
    for (Throwable c = t; c != null; c = c.getCause() == c ? null : c.getCause()) {
      line.append('\r').append(c);
      for (StackTraceElement e : c.getStackTrace()) {
        line.append("\r\tat ").append(e);
      }
    }
    System.out.println(line.toString().replace('\n', '\r'));
  }

  /** A fault of the package itself. Lambda shows no trace for it, and not always a type. */
  private static final class Fault extends Exception {
    private static final long serialVersionUID = 1;
    final String type;

    Fault(String message, String type) {
      super(message, null, false, false);
      this.type = type;
    }
  }

  private static final class Answer {
    int status;
    final Map<String, String> headers = new HashMap<>();
    byte[] body;
  }

  /** One kept connection to the Runtime API, which always sends Content-Length. */
  private static final class Client {
    private final String address;
    private final InputStream in;
    private final OutputStream out;

    Client(String address) throws IOException {
      this.address = address;
      int colon = address.lastIndexOf(':');
      @SuppressWarnings("resource") // open as long as the process lives
      Socket socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
      out = socket.getOutputStream();
    }

    void post(String path, byte[] body, String delivery, String errorType) throws IOException {
      Answer a = call("POST", path, body, delivery, errorType);
      if (a.status != 202) {
        System.err.println("the Runtime API answered " + a.status + " to " + path + ": " + new String(a.body, StandardCharsets.UTF_8));
        System.exit(1);
      }
    }

    Answer call(String method, String path, byte[] body, String delivery, String errorType) throws IOException {
      StringBuilder head = new StringBuilder(method).append(" /2018-06-01/runtime/").append(path).append(" HTTP/1.1\r\nHost: ").append(address);
      if (body != null) {
        head.append("\r\nContent-Type: application/json\r\nContent-Length: ").append(body.length);
      }
      if (delivery != null && !delivery.isEmpty()) {
        head.append("\r\nLambda-Runtime-Invocation-Id: ").append(delivery);
      }
      if (errorType != null) {
        head.append("\r\nLambda-Runtime-Function-Error-Type: ").append(errorType);
      }
      byte[] start = head.append("\r\n\r\n").toString().getBytes(StandardCharsets.UTF_8);
      byte[] message = new byte[start.length + (body == null ? 0 : body.length)];
      System.arraycopy(start, 0, message, 0, start.length);
      if (body != null) {
        System.arraycopy(body, 0, message, start.length, body.length);
      }
      out.write(message);
      return read();
    }

    private Answer read() throws IOException {
      Answer a = new Answer();
      a.status = Integer.parseInt(line().split(" ")[1]);
      for (String line = line(); !line.isEmpty(); line = line()) {
        int colon = line.indexOf(':');
        a.headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
      }
      String length = a.headers.get("content-length");
      a.body = new byte[length == null ? 0 : Integer.parseInt(length)];
      for (int at = 0; at < a.body.length; ) {
        int n = in.read(a.body, at, a.body.length - at);
        if (n < 0) {
          throw new EOFException("the Runtime API closed the connection");
        }
        at += n;
      }
      return a;
    }

    private String line() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream(128);
      for (int c = in.read(); c != '\n'; c = in.read()) {
        if (c < 0) {
          throw new EOFException("the Runtime API closed the connection");
        }
        if (c != '\r') {
          line.write(c);
        }
      }
      return new String(line.toByteArray(), StandardCharsets.UTF_8);
    }
  }

  /** The function's method, and the object it belongs to. */
  private static final class Handler {
    private final Method method;
    private final Object target;
    private final Type event; // null: the method takes no event

    private Handler(Method method, Object target, Type event) {
      this.method = method;
      this.target = target;
      this.event = event;
    }

    static Handler find(String name) throws Exception {
      String[] parts = name.split("::", 2);
      Class<?> type;
      try {
        type = Class.forName(parts[0]);
      } catch (ClassNotFoundException e) {
        throw new Fault("Class not found: " + parts[0], ClassNotFoundException.class.getName());
      }
      if (parts.length == 1 && !implementsHandler(type)) {
        throw new Fault("Class does not implement an appropriate handler interface: " + parts[0], null);
      }
      Method found = null;
      String wanted = parts.length > 1 ? parts[1] : "handleRequest";
      for (Method m : type.getMethods()) {
        if (m.getName().equals(wanted) && fits(m) && (found == null || rank(m) > rank(found))) {
          found = m;
        }
      }
      if (found == null) {
        throw new Fault("No public method named " + wanted + " with appropriate method signature found on class " + type.getName(), null);
      }
      Object target = Modifier.isStatic(found.getModifiers()) ? null : type.getConstructor().newInstance();
      found.setAccessible(true);
      Type[] parameters = found.getGenericParameterTypes();
      return new Handler(found, target, parameters.length == 0 || isContext(found.getParameterTypes()[0]) ? null : resolve(parameters[0], type));
    }

    private static boolean implementsHandler(Class<?> type) {
      for (Class<?> c = type; c != null; c = c.getSuperclass()) {
        for (Class<?> i : c.getInterfaces()) {
          if (i.getName().equals(CORE + "RequestHandler") || i.getName().equals(CORE + "RequestStreamHandler")) {
            return true;
          }
        }
      }
      return false;
    }

    /** Prefers more parameters, a context at the end, and not the compiler's bridge. */
    private static int rank(Method m) {
      Class<?>[] p = m.getParameterTypes();
      return (m.isBridge() ? 0 : 100) + (p.length > 0 && isContext(p[p.length - 1]) ? 10 : 0) + p.length;
    }

    private static boolean fits(Method m) {
      Class<?>[] p = m.getParameterTypes();
      if (p.length <= 1) {
        return true;
      }
      boolean streams = p[0] == InputStream.class && p[1] == OutputStream.class;
      return p.length == 2 ? streams || isContext(p[1]) : p.length == 3 && streams && isContext(p[2]);
    }

    private static boolean isContext(Class<?> c) {
      return c.getName().equals(CORE + "Context");
    }

    /** What a type variable stands for in a class that implements RequestHandler. */
    private static Type resolve(Type t, Class<?> in) {
      if (!(t instanceof TypeVariable)) {
        return t;
      }
      for (Type i : in.getGenericInterfaces()) {
        if (i instanceof ParameterizedType) {
          return ((ParameterizedType) i).getActualTypeArguments()[0];
        }
      }
      return Object.class;
    }

    byte[] handle(byte[] body, Map<String, String> headers) throws Exception {
      Class<?>[] types = method.getParameterTypes();
      Object[] arguments = new Object[types.length];
      ByteArrayOutputStream out = null;
      for (int i = 0; i < types.length; i++) {
        if (isContext(types[i])) {
          arguments[i] = context(types[i], headers);
        } else if (types[i] == OutputStream.class) {
          arguments[i] = out = new ByteArrayOutputStream();
        } else if (types[i] == InputStream.class) {
          arguments[i] = new ByteArrayInputStream(body);
        } else {
          arguments[i] = Json.bind(Json.read(body), event);
        }
      }
      Object answer = method.invoke(target, arguments);
      return out != null ? out.toByteArray() : Json.write(answer);
    }
  }

  /** The context object: its interface is known by name only. */
  private static Object context(Class<?> type, Map<String, String> headers) {
    long deadline = Long.parseLong(headers.get("lambda-runtime-deadline-ms"));
    Map<String, Object> values = new HashMap<>();
    values.put("getAwsRequestId", headers.get("lambda-runtime-aws-request-id"));
    values.put("getInvokedFunctionArn", headers.get("lambda-runtime-invoked-function-arn"));
    values.put("getFunctionName", System.getenv("AWS_LAMBDA_FUNCTION_NAME"));
    values.put("getFunctionVersion", System.getenv("AWS_LAMBDA_FUNCTION_VERSION"));
    values.put("getLogGroupName", System.getenv("AWS_LAMBDA_LOG_GROUP_NAME"));
    values.put("getLogStreamName", System.getenv("AWS_LAMBDA_LOG_STREAM_NAME"));
    values.put("getMemoryLimitInMB", Integer.valueOf(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")));
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, m, args) -> {
      switch (m.getName()) {
        case "getRemainingTimeInMillis":
          return (int) Math.max(0, deadline - System.currentTimeMillis());
        case "getLogger":
          return logger(m.getReturnType());
        case "toString":
          return "Context" + values;
        case "hashCode":
          return System.identityHashCode(proxy);
        case "equals":
          return proxy == args[0];
        default:
          return values.get(m.getName());
      }
    });
  }

  private static Object logger(Class<?> type) {
    return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, m, args) -> {
      if (m.getName().equals("log") && args != null) {
        byte[] text = args[0] instanceof byte[] ? (byte[]) args[0] : String.valueOf(args[0]).getBytes(StandardCharsets.UTF_8);
        System.out.write(text, 0, text.length);
        System.out.flush();
      }
      return m.getName().equals("hashCode") ? (Object) System.identityHashCode(proxy) : null;
    });
  }

  /** JSON to maps and lists and back, and to objects with setters. */
  private static final class Json {
    private final String text;
    private int at;

    private Json(String text) {
      this.text = text;
    }

    static Object read(byte[] body) {
      Json j = new Json(new String(body, StandardCharsets.UTF_8));
      Object v = j.value();
      j.blank();
      if (j.at < j.text.length()) {
        throw j.wrong();
      }
      return v;
    }

    private RuntimeException wrong() {
      return new IllegalArgumentException("the event is not JSON: unexpected input at character " + at);
    }

    private void blank() {
      while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private char peek() {
      blank();
      if (at >= text.length()) {
        throw wrong();
      }
      return text.charAt(at);
    }

    private boolean take(String word) {
      if (!text.startsWith(word, at)) {
        return false;
      }
      at += word.length();
      return true;
    }

    private Object value() {
      char c = peek();
      if (c == '{') {
        return object();
      } else if (c == '[') {
        return array();
      } else if (c == '"') {
        return string();
      } else if (take("true")) {
        return true;
      } else if (take("false")) {
        return false;
      } else if (take("null")) {
        return null;
      }
      return number();
    }

    private Map<String, Object> object() {
      Map<String, Object> m = new LinkedHashMap<>();
      at++;
      if (peek() == '}') {
        at++;
        return m;
      }
      for (;;) {
        if (peek() != '"') {
          throw wrong();
        }
        String key = string();
        if (peek() != ':') {
          throw wrong();
        }
        at++;
        m.put(key, value());
        if (more('}')) {
          return m;
        }
      }
    }

    private List<Object> array() {
      List<Object> l = new ArrayList<>();
      at++;
      if (peek() == ']') {
        at++;
        return l;
      }
      for (;;) {
        l.add(value());
        if (more(']')) {
          return l;
        }
      }
    }

    /** Steps over a comma (false) or the end (true). */
    private boolean more(char end) {
      char c = peek();
      at++;
      if (c != ',' && c != end) {
        throw wrong();
      }
      return c == end;
    }

    private String string() {
      StringBuilder s = new StringBuilder();
      for (at++; at < text.length(); at++) {
        char c = text.charAt(at);
        if (c == '"') {
          at++;
          return s.toString();
        }
        if (c != '\\') {
          s.append(c);
          continue;
        }
        at++;
        int plain = at < text.length() ? "\"\\/bfnrt".indexOf(text.charAt(at)) : -1;
        if (plain >= 0) {
          s.append("\"\\/\b\f\n\r\t".charAt(plain));
        } else if (at + 4 < text.length() && text.charAt(at) == 'u') {
          s.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
          at += 4;
        } else {
          throw wrong();
        }
      }
      throw wrong();
    }

    private Object number() {
      int from = at;
      while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
      String n = text.substring(from, at);
      try {
        if (n.matches("-?[0-9]{1,18}")) {
          long l = Long.parseLong(n);
          return l == (int) l ? (Object) (int) l : (Object) l; // as Jackson does
        }
        return Double.valueOf(n);
      } catch (NumberFormatException e) {
        throw wrong();
      }
    }

    /** Makes an object of the type that a handler wants out of a JSON value. */
    static Object bind(Object v, Type t) throws Exception {
      if (t instanceof ParameterizedType) {
        return bindGeneric(v, (ParameterizedType) t);
      }
      if (v == null || !(t instanceof Class) || t == Object.class) {
        return v;
      }
      Class<?> c = (Class<?>) t;
      if (c == String.class) {
        return v instanceof Map || v instanceof List ? new String(write(v), StandardCharsets.UTF_8) : String.valueOf(v);
      }
      if (v instanceof Number) {
        return number((Number) v, c);
      }
      if (c.isEnum()) {
        for (Object constant : c.getEnumConstants()) {
          if (((Enum<?>) constant).name().equals(v)) {
            return constant;
          }
        }
      }
      if (c.isInstance(v) || c == boolean.class) {
        return v;
      }
      if (v instanceof Map) {
        return bean((Map<?, ?>) v, c);
      }
      throw new IllegalArgumentException("a JSON " + v.getClass().getSimpleName() + " cannot become a " + c.getName());
    }

    private static Object number(Number n, Class<?> c) {
      if (c == int.class || c == Integer.class) {
        return n.intValue();
      } else if (c == long.class || c == Long.class) {
        return n.longValue();
      } else if (c == double.class || c == Double.class) {
        return n.doubleValue();
      } else if (c == float.class || c == Float.class) {
        return n.floatValue();
      } else if (c == short.class || c == Short.class) {
        return n.shortValue();
      } else if (c == byte.class || c == Byte.class) {
        return n.byteValue();
      }
      return n;
    }

    private static Object bindGeneric(Object v, ParameterizedType t) throws Exception {
      Type[] of = t.getActualTypeArguments();
      if (v instanceof Map && Map.class.isAssignableFrom((Class<?>) t.getRawType())) {
        Map<Object, Object> m = new LinkedHashMap<>();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
          m.put(e.getKey(), bind(e.getValue(), of[1]));
        }
        return m;
      }
      if (v instanceof List) {
        List<Object> l = new ArrayList<>();
        for (Object e : (List<?>) v) {
          l.add(bind(e, of[0]));
        }
        return l;
      }
      return bind(v, t.getRawType());
    }

    private static Object bean(Map<?, ?> values, Class<?> c) throws Exception {
      Object o = c.getDeclaredConstructor().newInstance();
      for (Method m : c.getMethods()) {
        if (m.getName().startsWith("set") && m.getName().length() > 3 && m.getParameterCount() == 1) {
          Object v = values.get(decapitalize(m.getName().substring(3)));
          if (v != null) {
            m.invoke(o, bind(v, m.getGenericParameterTypes()[0]));
          }
        }
      }
      for (Field f : c.getFields()) {
        if (!Modifier.isFinal(f.getModifiers()) && values.get(f.getName()) != null) {
          f.set(o, bind(values.get(f.getName()), f.getGenericType()));
        }
      }
      return o;
    }

    private static String decapitalize(String s) {
      return Character.toLowerCase(s.charAt(0)) + s.substring(1);
    }

    static byte[] write(Object v) {
      StringBuilder s = new StringBuilder();
      write(s, v);
      return s.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void write(StringBuilder s, Object v) {
      if (v == null || v instanceof Number || v instanceof Boolean) {
        s.append(v);
      } else if (v instanceof CharSequence || v instanceof Character || v instanceof Enum) {
        quote(s, v instanceof Enum ? ((Enum<?>) v).name() : v.toString());
      } else if (v instanceof Map) {
        String comma = "{";
        for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
          quote(s.append(comma), String.valueOf(e.getKey()));
          write(s.append(':'), e.getValue());
          comma = ",";
        }
        s.append(comma.equals("{") ? "{}" : "}");
      } else if (v instanceof Collection) {
        list(s, ((Collection<?>) v).toArray());
      } else if (v.getClass().isArray()) {
        list(s, v);
      } else {
        write(s, properties(v));
      }
    }

    private static void list(StringBuilder s, Object array) {
      s.append('[');
      for (int i = 0; i < Array.getLength(array); i++) {
        write(i == 0 ? s : s.append(','), Array.get(array, i));
      }
      s.append(']');
    }

    private static Map<String, Object> properties(Object o) {
      Map<String, Object> m = new LinkedHashMap<>();
      try {
        for (Method g : o.getClass().getMethods()) {
          String n = g.getName();
          int prefix = n.startsWith("get") ? 3 : n.startsWith("is") ? 2 : 0;
          if (prefix > 0 && n.length() > prefix && g.getParameterCount() == 0 && g.getDeclaringClass() != Object.class) {
            g.setAccessible(true);
            m.put(decapitalize(n.substring(prefix)), g.invoke(o));
          }
        }
        for (Field f : o.getClass().getFields()) {
          if (!Modifier.isStatic(f.getModifiers())) {
            m.put(f.getName(), f.get(o));
          }
        }
      } catch (ReflectiveOperationException e) {
        throw new IllegalArgumentException("cannot write " + o.getClass().getName() + " as JSON: " + e, e);
      }
      return m;
    }

    private static void quote(StringBuilder s, String v) {
      s.append('"');
      for (int i = 0; i < v.length(); i++) {
        char c = v.charAt(i);
        int named = "\"\\\b\f\n\r\t".indexOf(c);
        if (named >= 0) {
          s.append('\\').append("\"\\bfnrt".charAt(named));
        } else if (c < 0x20) {
          s.append(String.format("\\u%04x", (int) c));
        } else {
          s.append(c);
        }
      }
      s.append('"');
    }
  }
}
