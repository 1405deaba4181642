package lab;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

public class More {
  public static class Item {
    private String name;
    private int count;
    private List<Item> parts;

    public String getName() {
      return name;
    }

    public void setName(String name) {
      this.name = name;
    }

    public int getCount() {
      return count;
    }

    public void setCount(int count) {
      this.count = count;
    }

    public List<Item> getParts() {
      return parts;
    }

    public void setParts(List<Item> parts) {
      this.parts = parts;
    }
  }

  public Item object(Item in) {
    in.setCount(in.getCount() + in.getParts().get(0).getCount());
    return in;
  }

  public static String fixed(String in) {
    return in + "!";
  }

  public void stream(InputStream in, OutputStream out, Context context) throws IOException {
    byte[] buffer = new byte[4096];
    for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
      out.write(buffer, 0, n);
    }
  }
}
