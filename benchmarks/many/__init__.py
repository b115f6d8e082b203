"""Of `fleet`: many daemons' messages and metrics, without the daemons, before one broker and one Prometheus."""
