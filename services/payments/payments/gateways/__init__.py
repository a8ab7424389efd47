"""What lies outside of payments: Stripe."""
