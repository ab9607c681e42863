"""The serving folder: its versions, and who pushed them."""
