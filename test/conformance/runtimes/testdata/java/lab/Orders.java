package lab;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

public class Orders implements RequestHandler<Map<String, Object>, Object> {
  public static class NoSuchOrder extends RuntimeException {
    public NoSuchOrder(String message) {
      super(message);
    }
  }

  private void find(Object order) {
    throw new NoSuchOrder("order " + order + " is unknown");
  }

  @Override
  public Object handleRequest(Map<String, Object> event, Context context) {
    switch (String.valueOf(event.get("do"))) {
      case "fail":
        find(event.get("order"));
        break;
      case "exit":
        Runtime.getRuntime().halt(3);
        break;
      case "hang":
        for (;;) {
          try {
            Thread.sleep(1000);
          } catch (InterruptedException e) {
            // goes on
          }
        }
      case "big":
        return new String(new char[(Integer) event.get("size")]).replace('\0', 'x');
      case "log":
        System.out.println("printed");
        System.err.println("an error");
        context.getLogger().log("logged\n");
        break;
      case "nothing":
        return null;
      case "context":
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("id", context.getAwsRequestId());
        seen.put("name", context.getFunctionName());
        seen.put("version", context.getFunctionVersion());
        seen.put("memory", context.getMemoryLimitInMB());
        seen.put("arn", context.getInvokedFunctionArn());
        seen.put("group", context.getLogGroupName());
        seen.put("stream", context.getLogStreamName());
        seen.put("left", context.getRemainingTimeInMillis());
        return seen;
      default:
        break;
    }
    return event;
  }
}
