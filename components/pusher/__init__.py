"""Pusher: a blessed model becomes the next version in the serving folder."""
