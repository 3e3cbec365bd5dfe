"""WebSockets: which one is accepted, what each message means, and what is sent when."""
