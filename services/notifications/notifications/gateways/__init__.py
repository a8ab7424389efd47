"""What lies outside: a mail server and Twilio."""
