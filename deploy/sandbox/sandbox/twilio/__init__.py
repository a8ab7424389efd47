"""Twilio's Messages as far as the product needs them."""
