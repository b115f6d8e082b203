"""Events to web servers: each a CloudEvent, signed as Standard Webhooks has it, tried again where it is not taken.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""
