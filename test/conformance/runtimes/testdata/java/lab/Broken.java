package lab;

public class Broken {
  public Broken() {
    throw new IllegalStateException("no database");
  }

  public String handleRequest(String in) {
    return in;
  }
}
