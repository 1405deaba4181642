import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * A service that writes a bill for each order: the total, when it was made, which is another
 * each time, and a number that differs from process to process.
 */
public final class Billing {
    private static final Pattern ORDER = Pattern.compile("\\{\"order\":(\\d+),\"quantity\":(\\d+),\"price\":(\\d+)\\}");
    private static volatile boolean stopping;

    public static void main(String[] args) throws Exception {
        String servers = args[0], group = args[1], orders = args[2], bills = args[3];
        Properties consuming = new Properties();
        consuming.put("bootstrap.servers", servers);
        consuming.put("group.id", group);
        consuming.put("enable.auto.commit", "false");
        consuming.put("auto.offset.reset", "earliest");
        consuming.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        consuming.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        Properties producing = new Properties();
        producing.put("bootstrap.servers", servers);
        producing.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        producing.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        producing.put("linger.ms", "5");
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consuming);
        KafkaProducer<String, String> producer = new KafkaProducer<>(producing);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping = true;
            try {
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        String process = Long.toHexString(System.nanoTime());
        consumer.subscribe(List.of(orders));
        while (!stopping) {
            for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) {
                Matcher m = ORDER.matcher(r.value());
                if (!m.matches()) {
                    continue;
                }
                long total = Long.parseLong(m.group(2)) * Long.parseLong(m.group(3));
                producer.send(new ProducerRecord<>(bills, r.key(), "{\"order\": " + m.group(1) + ", \"total\": " + total + ".0, \"made\": \"" + System.nanoTime()
                    + "\", \"by\": {\"process\": \"" + process + "\"}}"));
            }
            producer.flush();
            consumer.commitSync();
        }
        consumer.close();
        producer.close();
        ended.countDown();
    }
}
