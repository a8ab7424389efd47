"""The sandbox stands in for Stripe, Twilio and a mail server, so that the real SDKs have something to speak to."""
