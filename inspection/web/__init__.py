"""The web page: what the commands and the report show, to be looked around in. It reads and changes nothing."""
