"""The old service of OldService.java, on librdkafka."""
import json
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer

settings = json.load(open(sys.argv[1]))
topic, outputs = sys.argv[2], sys.argv[3]
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
consumer = Consumer(settings["consumer"])
producer = Producer(settings["producer"])
consumer.subscribe(topic.split(","))
last, held = time.monotonic(), False


def name(of):
    """Records of a second topic are told apart from those of the first."""
    return "second:" if of.endswith("-second") else ""


def commit():
    global held
    producer.flush()
    if held:
        try:
            consumer.commit(asynchronous=False)
        except KafkaException as refused:
            print(refused, file=sys.stderr)
    held = False


while not stopping:
    try:
        for r in consumer.consume(500, timeout=0.1):
            if r.error():
                print(r.error(), file=sys.stderr)
                continue
            held = True
            producer.produce(outputs, key=r.key(), value=json.dumps({"by": "old", "from": f"{name(r.topic())}{r.partition()}/{r.offset()}"}))
            producer.poll(0)
    except (KafkaException, RuntimeError) as refused:
        print(refused, file=sys.stderr)
        time.sleep(0.1)
    if time.monotonic() - last > 0.5:
        commit()
        last = time.monotonic()
commit()
consumer.close()
