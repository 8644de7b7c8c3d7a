"""How it is asked: REST, WebSocket and server-sent events over the run service."""
