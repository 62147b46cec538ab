"""The sequence family: an encoder of a user's latest items in order."""
