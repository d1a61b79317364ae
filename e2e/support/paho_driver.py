"""Paho for Python, driven by lines of JSON: requests on standard input, answers and messages on standard output."""

import json
import socket
import sys
import threading

import paho.mqtt.client as mqtt

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5.0": mqtt.MQTTv5}
printing = threading.Lock()
clients = {}


def say(**words):
    with printing:
        print(json.dumps(words), flush=True)


class Driven:
    def __init__(self, name, request):
        self.name = name
        self.waiting = {}
        self.done = set()
        self.lock = threading.Lock()
        self.connect_request = request["id"]
        version = VERSIONS[request["version"]]
        transport = "websockets" if request["transport"] in ("ws", "wss") else "tcp"
        options = {} if version == mqtt.MQTTv5 else {"clean_session": True}
        self.client = mqtt.Client(request["clientId"], protocol=version, transport=transport, **options)
        if transport == "websockets":
            self.client.ws_set_options(path="/mqtt")
        if request.get("ca"):
            # Verifies the certificate and its names by default.
            self.client.tls_set(ca_certs=request["ca"])
        will = request.get("will")
        if will:
            self.client.will_set(will["topic"], will["payload"], will["qos"], will["retain"])
        self.client.on_connect = self.on_connect
        self.client.on_message = self.on_message
        self.client.on_subscribe = lambda client, userdata, mid, *rest: self.acknowledged(mid)
        self.client.on_publish = lambda client, userdata, mid: self.acknowledged(mid)
        self.client.connect_async("127.0.0.1", request["port"], keepalive=60)
        self.client.loop_start()

    def on_connect(self, client, userdata, flags, code, properties=None):
        failed = code.is_failure if hasattr(code, "is_failure") else code != 0
        if isinstance(code, mqtt.ReasonCodes):
            failed = code.value >= 0x80
        say(answer=self.connect_request, error=str(code) if failed else None)

    def on_message(self, client, userdata, message):
        say(client=self.name, topic=message.topic, payload=message.payload.decode(), qos=message.qos, retain=message.retain)

    def acknowledged(self, mid):
        with self.lock:
            request = self.waiting.pop(mid, None)
            if request is None:
                self.done.add(mid)
        if request is not None:
            say(answer=request)

    def wait(self, mid, request):
        """The callback may have come before this thread knew the identifier."""
        with self.lock:
            if mid not in self.done:
                self.waiting[mid] = request
                return
            self.done.discard(mid)
        say(answer=request)


def handle(request):
    name, kind = request["client"], request["op"]
    if kind == "connect":
        clients[name] = Driven(name, request)
        return
    driven = clients[name]
    if kind == "subscribe":
        _, mid = driven.client.subscribe(request["filter"], request["qos"])
        driven.wait(mid, request["id"])
    elif kind == "publish":
        info = driven.client.publish(request["topic"], request["payload"], request["qos"], request["retain"])
        driven.wait(info.mid, request["id"])
    elif kind == "drop":
        driven.client.reconnect_delay_set(3600, 3600)
        connection = driven.client.socket()
        getattr(connection, "_socket", connection).shutdown(socket.SHUT_RDWR)
        say(answer=request["id"])
    elif kind == "close":
        driven.client.disconnect()
        # Not waited for: after a lost connection Paho's thread looks up only once a second.
        threading.Thread(target=driven.client.loop_stop, daemon=True).start()
        del clients[name]
        say(answer=request["id"])


for line in sys.stdin:
    wanted = json.loads(line)
    try:
        handle(wanted)
    except Exception as error:
        say(answer=wanted["id"], error=repr(error))
