"""The live page and the HTTP API: one thread with an event loop, imported only when `[web] listen` is set.

Starlette and uvicorn carry it. What people see is made on demand: a frame is copied and encoded only for who asks, once
for all of them, and nothing here can hold up the inference loop.
"""
