"""Stripe as far as the product needs it, strict where Stripe is strict."""
