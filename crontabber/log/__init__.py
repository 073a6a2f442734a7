"""Where log records go: stderr and syslog."""
