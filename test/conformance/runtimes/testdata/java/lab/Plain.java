package lab;

import java.util.Map;

public class Plain {
  public static String fixed(String in) {
    return in + "!";
  }

  public Map<String, Object> same(Map<String, Object> in) {
    return in;
  }
}
