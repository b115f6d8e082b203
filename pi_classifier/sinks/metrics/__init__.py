"""What Prometheus scrapes. The only user of prometheus_client, but for `health`, which reads a scrape."""
