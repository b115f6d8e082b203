"""Events and states to an MQTT broker, and so to Home Assistant.

What shall be sent waits in the `Outbox`, which does no input or output; a `Connection` sends it, on a thread of its
own. The `MqttPublisher` puts in what the daemon tells it. paho-mqtt speaks the protocol.
"""
