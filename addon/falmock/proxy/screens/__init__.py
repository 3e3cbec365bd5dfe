"""How people see fal flows: the terminal, the event log, content views."""
