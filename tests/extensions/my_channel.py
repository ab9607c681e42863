"""A notification channel: appends a line for each message to a file.

In configs/NAME.toml:

    [notify]
    on = ["failure", "gate"]
    channels = {"my_channel.send" = "${HOME}/pipeline.txt"}
"""


def send(setting, message):
    """Send one message; it runs in its own process and has 15 s.

    Args:
        setting: The text of the config, here a path; each ${NAME} is already replaced by the environment variable.
        message: `event`, `text` (one line for people), `schedule`, `state`, `run_id` and `log`.

    Returns:
        What failed, without secrets, for the log of the schedule; None if nothing did.
    """
    try:
        with open(setting, "a", encoding="utf-8") as file:
            file.write(f"{message['event']}: {message['text']}\n")
    except OSError as error:
        return f"the file cannot be written: {error.strerror}"
    return None
