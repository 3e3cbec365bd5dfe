"""What people see of fal flows: the terminal, the event log, content views."""
