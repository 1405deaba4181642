import java.io.FileReader;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;

/**
 * A service as many companies have it: for each record of the topic one record in the output
 * topic, which says where it came from. It commits every half second, after the outputs are
 * acknowledged, and on SIGTERM finishes what it has, commits, and leaves. What the broker
 * refuses it logs, and polls again.
 */
public final class OldService {
    private static volatile boolean stopping;

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        try (FileReader file = new FileReader(args[0])) {
            settings.load(file);
        }
        String topic = args[1], outputs = args[2];
        boolean deaf = args.length > 3 && args[3].equals("deaf");
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings);
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (deaf) {
                return;
            }
            stopping = true;
            consumer.wakeup();
            try {
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        consumer.subscribe(List.of(topic));
        long last = System.nanoTime();
        while (!stopping) {
            try {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
                for (ConsumerRecord<byte[], byte[]> r : records) {
                    String from = "{\"by\":\"old\",\"from\":\"" + r.partition() + "/" + r.offset() + "\"}";
                    producer.send(new ProducerRecord<>(outputs, r.key(), from.getBytes()));
                }
                if (System.nanoTime() - last > 500_000_000L) {
                    producer.flush();
                    consumer.commitSync();
                    last = System.nanoTime();
                }
            } catch (WakeupException e) {
                // stopping
            } catch (Exception e) {
                System.err.println(e);
                Thread.sleep(100);
            }
        }
        producer.flush();
        try {
            consumer.commitSync(Duration.ofSeconds(5));
        } catch (Exception e) {
            System.err.println("the last commit: " + e);
        }
        consumer.close(Duration.ofSeconds(5));
        producer.close();
        ended.countDown();
    }
}
